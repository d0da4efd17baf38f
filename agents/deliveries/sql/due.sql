-- Lanes that have something to do now and are nobody's; waits count from $1 seconds after their end, since a waking that
-- comes in time is not to be met here.
select l.endpoint_id, l.partition, l.failures > 0 as failing
from gateway.endpoint_lanes l join gateway.endpoints e using (endpoint_id)
where not l.following and e.status = 'active'
  and (l.lease_until is null or l.lease_until < clock_timestamp())
  and (l.retry_at is null or l.retry_at < clock_timestamp() - make_interval(secs => $1))
order by l.failures > 0, l.retry_at nulls first
limit $2
