-- Rows of dead letters that the log holds no more (topic $1, partition $2, offsets below $3).
insert into dead_letters{shadow} (
    topic, partition, "offset", reason, field, detail, record_topic, record_partition, record_offset, attempts, masked,
    cut_from, record_key, record_type, record_id, died_at)
select topic, partition, "offset", reason, field, detail, record_topic, record_partition, record_offset, attempts, masked,
    cut_from, record_key, record_type, record_id, died_at
from dead_letters
where topic = $1 and partition = $2 and "offset" < $3
