-- How far the log was compared with this ledger, and the record before that place. A ledger that was restored to an older
-- moment has older marks too, so that all it lacks lies after them; a log that was replaced has another record there.
create table ledger.log_marks (
    topic       text not null,
    partition   int not null,
    next_offset bigint not null,
    record_id   text not null,
    primary key (topic, partition)
);
