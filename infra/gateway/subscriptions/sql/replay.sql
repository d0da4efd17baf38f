-- The endpoint's lanes begin anew at a moment ($3), before or after where they stand; who works on one works no longer.
with owned as (
    select endpoint_id from gateway.endpoints where endpoint_id = $1 and owner = $2
)
update gateway.endpoint_lanes l
set following = false, replay_from = $3, epoch = epoch + 1, lease_until = null, failures = 0, failing_since = null,
    retry_at = null
from owned where l.endpoint_id = owned.endpoint_id
returning l.partition
