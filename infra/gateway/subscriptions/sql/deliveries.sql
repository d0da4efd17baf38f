-- The last attempts, the newest first.
select message_id, event_type, attempted_at, outcome, status, elapsed_ms
from gateway.deliveries where endpoint_id = $1 order by attempt_id desc limit $2
