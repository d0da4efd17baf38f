-- How the lanes of these endpoints stand: whether any fails, since when, and when it is tried again.
select endpoint_id, max(failures) as failures, min(failing_since) as failing_since, min(retry_at) as retry_at
from gateway.endpoint_lanes where endpoint_id = any($1::uuid[]) and failures > 0 group by endpoint_id
