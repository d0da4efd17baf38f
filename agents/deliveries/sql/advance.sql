-- Everything before this offset is done: the lane goes on from there, and stays ours. No row: it is not ours any more.
update gateway.endpoint_lanes l
set position = $4, replay_from = null, lease_until = clock_timestamp() + make_interval(secs => $5)
from gateway.endpoints e
where l.endpoint_id = $1 and l.partition = $2 and l.epoch = $3 and e.endpoint_id = l.endpoint_id
returning e.revision
