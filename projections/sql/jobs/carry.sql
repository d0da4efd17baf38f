-- What commands said whose records the log holds no more (topic $1, partition $2, offsets below $3).
insert into integration_queue_jobs{shadow} (
    job_id, command_key, command_type, command_integration_id, command_topic, command_partition, command_offset,
    published_at, expires_at)
select job_id, command_key, command_type, command_integration_id, command_topic, command_partition, command_offset,
    published_at, expires_at
from integration_queue_jobs
where command_topic = $1 and command_partition = $2 and command_offset < $3
on conflict do nothing
