-- How many seconds a lane still waits; no row when it waits for nothing.
select greatest(extract(epoch from l.retry_at - clock_timestamp()), 0)::float8 as wait_s
from gateway.endpoint_lanes l join gateway.endpoints e using (endpoint_id)
where l.endpoint_id = $1 and l.partition = $2 and not l.following and l.retry_at is not null and e.status = 'active'
