-- The rows of one chain between two offsets (topic $1, partition $2, from $3, below $4), in order, as the fold gives them.
select topic, partition, "offset", action, event_source, event_id, integration_id, command_id, status_code, duration_ms,
    error_message, request_data, response_data, record_digest, previous_hash, hash, occurred_at
from integration_audit_logs
where topic = $1 and partition = $2 and "offset" >= $3 and "offset" < $4
order by "offset"
