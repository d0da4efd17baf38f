-- Rows of records that the log holds no more (topic $1, partition $2, offsets below $3): their rows are the only trace.
insert into webhook_records{shadow} (
    topic, partition, "offset", kind, integration_id, at, event_id, record_id, provider, event_type, said,
    our_reference, provider_reference, secret_index, signed_at, body_digest, size_bytes, requeued, outcome,
    payment_id, command_id, detail, why, times, first_at, process)
select
    topic, partition, "offset", kind, integration_id, at, event_id, record_id, provider, event_type, said,
    our_reference, provider_reference, secret_index, signed_at, body_digest, size_bytes, requeued, outcome,
    payment_id, command_id, detail, why, times, first_at, process
from webhook_records
where topic = $1 and partition = $2 and "offset" < $3
order by "offset"
