-- The records about one event, in the order of the log: $1 integration, $2 event
select topic, partition, "offset", kind, at, record_id, requeued, our_reference, provider_reference, outcome, detail
from webhook_records where integration_id = $1 and event_id = $2
order by partition, "offset"
