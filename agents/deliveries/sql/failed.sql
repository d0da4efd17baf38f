-- The event was not taken: the lane is given back, to go on with it ($4) after $5 seconds. No row: it was not ours.
with told as (
    insert into gateway.deliveries (endpoint_id, message_id, event_type, outcome, status, elapsed_ms)
    values ($1, $6, $7, $8, $9, $10)
)
update gateway.endpoint_lanes
set position = $4, lease_until = null, failures = failures + 1,
    failing_since = coalesce(failing_since, clock_timestamp()),
    retry_at = clock_timestamp() + make_interval(secs => $5)
where endpoint_id = $1 and partition = $2 and epoch = $3
returning failures
