-- The tables that projections write, and what they need to write them safely.
-- Every value in a projected row comes from the records, none from this database's clock, so that a rebuild gives the
-- same rows. The surrogate `id` alone depends on the order of writing; it means nothing and no comparison looks at it.
-- Indexes carry no names of ours: a rebuilt table gets the names of the one that it replaces.

-- How far each projection has read each topic-partition; written in the transaction that writes the rows.
create table projection_positions (
    projection  text not null,
    topic       text not null,
    partition   integer not null,
    next_offset bigint not null,
    primary key (projection, topic, partition)
);

-- Records that could not be projected: unreadable ones (projection '*'), and ones whose values a table cannot hold.
create table projection_errors (
    projection  text not null,
    topic       text not null,
    partition   integer not null,
    "offset"    bigint not null,
    event_id    uuid,
    reason      text not null,
    field       text not null,
    detail      text not null,
    occurred_at timestamptz not null,
    primary key (topic, partition, "offset", projection)
);

-- One row for each record of each event topic: a hash chain per topic-partition in offset order.
create table integration_audit_logs (
    id             bigint generated always as identity primary key,
    topic          text not null,
    partition      integer not null,
    "offset"       bigint not null,
    action         text not null,
    event_source   text,
    event_id       uuid,
    integration_id text,
    command_id     uuid,
    status_code    bigint,
    duration_ms    bigint,
    error_message  text,
    request_data   jsonb,
    response_data  jsonb,
    record_digest  bytea not null,
    previous_hash  bytea not null,
    hash           bytea not null,
    occurred_at    timestamptz not null,
    unique (topic, partition, "offset")
);
create index on integration_audit_logs (integration_id, occurred_at);
create index on integration_audit_logs (command_id);

-- Upper bounds of the latency histogram's buckets in microseconds: 1 ms times two to the power of a quarter of
-- (bucket - 1), rounded up, so that a percentile is at most 19 % too high. Bucket 70 has no bound.
create table latency_buckets (
    bucket   integer primary key,
    upper_us bigint
);
insert into latency_buckets (bucket, upper_us) values
    (1, 1000), (2, 1190), (3, 1415), (4, 1682), (5, 2000), (6, 2379),
    (7, 2829), (8, 3364), (9, 4000), (10, 4757), (11, 5657), (12, 6728),
    (13, 8000), (14, 9514), (15, 11314), (16, 13455), (17, 16000), (18, 19028),
    (19, 22628), (20, 26909), (21, 32000), (22, 38055), (23, 45255), (24, 53818),
    (25, 64000), (26, 76110), (27, 90510), (28, 107635), (29, 128000), (30, 152219),
    (31, 181020), (32, 215270), (33, 256000), (34, 304438), (35, 362039), (36, 430539),
    (37, 512000), (38, 608875), (39, 724078), (40, 861078), (41, 1024000), (42, 1217749),
    (43, 1448155), (44, 1722156), (45, 2048000), (46, 2435497), (47, 2896310), (48, 3444312),
    (49, 4096000), (50, 4870993), (51, 5792619), (52, 6888624), (53, 8192000), (54, 9741985),
    (55, 11585238), (56, 13777247), (57, 16384000), (58, 19483970), (59, 23170476), (60, 27554494),
    (61, 32768000), (62, 38967939), (63, 46340951), (64, 55108988), (65, 65536000), (66, 77935878),
    (67, 92681901), (68, 110217975), (69, 131072000),
    (70, null);

-- Calls to providers by integration, operation, minute and outcome. Rows of several minutes merge by adding.
create table integration_metrics (
    id              bigint generated always as identity primary key,
    integration_id  text not null,
    provider        text not null,
    operation       text not null,
    minute          timestamptz not null,
    outcome         text not null,
    calls           bigint not null,
    duration_us_sum numeric not null,
    duration_us_max bigint not null,
    buckets         bigint[] not null check (cardinality(buckets) = 70),
    unique (integration_id, provider, operation, minute, outcome)
);
create index on integration_metrics (minute);

-- Which events the counts hold already: the same event again, wherever it lies, is not counted again.
create table integration_metrics_seen (
    event_source text not null,
    event_id     uuid not null,
    primary key (event_id, event_source)
);

-- One row for each movement of money or try at one; `transaction_id` is the command. Three parts of a row are written
-- apart, each by the first event that has it: the result, an outcome that came too late to be the result, and what a
-- query settled. What is read (`status`, `amount_minor`) follows from the three, so that no late or lesser word can
-- overwrite a stronger one.
create table payment_transactions (
    id                bigint generated always as identity primary key,
    transaction_id    uuid not null unique,
    payment_id        uuid not null,
    integration_id    text,
    provider          text,
    kind              text check (kind in ('create', 'capture', 'cancel', 'refund', 'other')),
    order_id          text,
    payment_method    text,
    line_id           text,
    instalments       bigint,
    price_minor       bigint,
    result_minor      bigint,
    result_currency   text,
    provider_fee_minor    bigint,
    provider_fee_currency text,
    verdict           text check (verdict in ('accepted', 'refused', 'pending', 'unknown')),
    effect            text check (effect in ('authorized', 'captured', 'released', 'reversed', 'refunded')),
    reason            text,
    error_message     text,
    provider_code     text,
    provider_reference text,
    our_reference     text,
    gateway_response  jsonb,
    event_source      text,
    event_id          uuid,
    result_offset     bigint,
    concluded_at      timestamptz,
    late_verdict      text,
    late_minor        bigint,
    late_currency     text,
    late_event_id     uuid,
    late_at           timestamptz,
    settled_state     text check (settled_state in ('captured', 'authorized', 'failed')),
    settled_minor     bigint,
    settled_currency  text,
    settled_event_id  uuid,
    settled_at        timestamptz,
    status            text not null generated always as (
        case
            when verdict = 'accepted' then coalesce(effect, 'accepted')
            when verdict = 'refused' then 'refused'
            when settled_state is not null then settled_state
            -- What came late says how much, not whether a creation was taken or only held: such a row waits for a query.
            when late_verdict = 'accepted' and kind = 'capture' then 'captured'
            when late_verdict = 'accepted' and kind = 'refund' then 'refunded'
            else coalesce(verdict, 'unknown')
        end) stored,
    amount_minor      bigint generated always as (
        case when verdict in ('accepted', 'refused') then result_minor
             else coalesce(settled_minor, late_minor, result_minor) end) stored,
    currency          text generated always as (
        case when verdict in ('accepted', 'refused') then result_currency
             when settled_minor is not null then settled_currency
             when late_minor is not null then late_currency
             else result_currency end) stored,
    contradicted      boolean not null generated always as (
        coalesce(late_verdict = 'accepted' and verdict = 'refused', false)
        or coalesce(late_verdict = 'refused' and verdict = 'accepted', false)) stored,
    created_at        timestamptz not null generated always as (least(concluded_at, late_at)) stored,
    updated_at        timestamptz not null generated always as (greatest(concluded_at, late_at, settled_at)) stored
);
create index on payment_transactions (payment_id);
create index on payment_transactions (order_id);
create index on payment_transactions (status);
create index on payment_transactions (created_at);

-- Which payment events the rows hold already; a query that is told again must not settle a later try.
create table payment_transactions_seen (
    event_source text not null,
    event_id     uuid not null,
    primary key (event_id, event_source)
);

-- Periodic checks and changes of circuit breakers, one row an event; the event's id is what makes it count once.
create table integration_health_checks (
    id               bigint generated always as identity primary key,
    event_source     text not null,
    event_id         uuid not null,
    kind             text not null check (kind in ('check', 'breaker')),
    integration_id   text not null,
    provider         text not null,
    status           text not null,
    previous_status  text,
    operation_class  text,
    process          text,
    response_time_ms bigint,
    error_message    text,
    checked_at       timestamptz not null,
    unique (event_id, event_source)
);
create index on integration_health_checks (integration_id, checked_at);

-- One row for each command. Four topics' worth of facts meet here in any order, so each writes columns of its own, and
-- `status` follows from them: it can only move forward.
create table integration_queue_jobs (
    id                bigint generated always as identity primary key,
    job_id            uuid not null unique,
    command_key       text,
    command_type      text,
    command_integration_id text,
    command_topic     text,
    command_partition integer,
    command_offset    bigint,
    published_at      timestamptz,
    expires_at        timestamptz,
    sent_key          text,
    sent_type         text,
    sent_integration_id text,
    attempts          bigint,
    started_at        timestamptz,
    result_key        text,
    result_type       text,
    result_integration_id text,
    result_event_id   uuid,
    verdict           text check (verdict in ('accepted', 'refused', 'pending', 'unknown')),
    result_attempts   bigint,
    reason            text,
    error_message     text,
    completed_at      timestamptz,
    rejected_topic    text,
    rejected_partition integer,
    rejected_offset   bigint,
    rejected_reason   text,
    rejected_message  text,
    rejected_at       timestamptz,
    key               text generated always as (coalesce(result_key, sent_key, command_key)) stored,
    integration_id    text generated always as (
        coalesce(result_integration_id, sent_integration_id, command_integration_id)) stored,
    job_type          text generated always as (coalesce(result_type, sent_type, command_type)) stored,
    retry_count       bigint not null generated always as (
        greatest(coalesce(result_attempts, 0), coalesce(attempts, 0), 1) - 1) stored,
    status            text not null generated always as (
        case
            when verdict = 'accepted' then 'completed'
            when verdict = 'refused' then 'failed'
            when verdict = 'pending' then 'awaiting_provider'
            when verdict = 'unknown' then 'unknown'
            when attempts is not null then 'running'
            -- A rejection speaks of one record; the id may stand on another one too, which goes its own way.
            when rejected_at is not null and (command_offset is null or (command_topic, command_partition, command_offset)
                = (rejected_topic, rejected_partition, rejected_offset)) then 'rejected'
            else 'pending'
        end) stored,
    created_at        timestamptz not null generated always as (
        least(published_at, started_at, completed_at, rejected_at)) stored
);
create index on integration_queue_jobs (status, created_at);
create index on integration_queue_jobs (integration_id);
create index on integration_queue_jobs (key);

-- Records that could not be taken as commands, and why. Their bytes stay in the topic alone: they may hold personal
-- data, and go with the topic's retention.
create table dead_letters (
    id               bigint generated always as identity primary key,
    topic            text not null,
    partition        integer not null,
    "offset"         bigint not null,
    reason           text not null,
    field            text not null,
    detail           text not null,
    record_topic     text not null,
    record_partition bigint not null,
    record_offset    bigint not null,
    attempts         bigint not null,
    masked           boolean not null,
    cut_from         bigint,
    record_key       text not null,
    record_type      text,
    record_id        uuid,
    died_at          timestamptz not null,
    unique (topic, partition, "offset")
);
create index on dead_letters (record_id);
create index on dead_letters (died_at);
