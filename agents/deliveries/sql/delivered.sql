-- As advance.sql, after an event was taken by the endpoint: it fails no longer. The attempt is told in any case.
with told as (
    insert into gateway.deliveries (endpoint_id, message_id, event_type, outcome, status, elapsed_ms)
    values ($1, $6, $7, $8, $9, $10)
)
update gateway.endpoint_lanes l
set position = $4, lease_until = clock_timestamp() + make_interval(secs => $5),
    failures = 0, failing_since = null, retry_at = null
from gateway.endpoints e
where l.endpoint_id = $1 and l.partition = $2 and l.epoch = $3 and e.endpoint_id = l.endpoint_id
returning e.revision
