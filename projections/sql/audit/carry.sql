-- Rows of records that the log holds no more (topic $1, partition $2, offsets below $3): their rows are the only trace.
insert into integration_audit_logs{shadow} (
    topic, partition, "offset", action, event_source, event_id, integration_id, command_id, status_code, duration_ms,
    error_message, request_data, response_data, record_digest, previous_hash, hash, occurred_at)
select topic, partition, "offset", action, event_source, event_id, integration_id, command_id, status_code, duration_ms,
    error_message, request_data, response_data, record_digest, previous_hash, hash, occurred_at
from integration_audit_logs
where topic = $1 and partition = $2 and "offset" < $3
order by "offset"
