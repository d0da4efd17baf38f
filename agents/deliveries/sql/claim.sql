-- Takes a lane that has something to do now and is nobody's. Whoever held it before changes nothing any more.
update gateway.endpoint_lanes l
set epoch = l.epoch + 1, lease_until = clock_timestamp() + make_interval(secs => $3)
from gateway.endpoints e
where l.endpoint_id = $1 and l.partition = $2 and e.endpoint_id = l.endpoint_id and e.status = 'active'
  and not l.following
  and (l.lease_until is null or l.lease_until < clock_timestamp())
  and (l.retry_at is null or l.retry_at <= clock_timestamp())
returning l.epoch, l.position, l.replay_from, l.failures,
    extract(epoch from clock_timestamp() - l.failing_since)::float8 as failing_s,
    e.url, e.event_types, e.integrations, e.revision, e.status_since,
    (select m.next_offset from gateway.dispatch_marks m where m.partition = l.partition) as mark,
    (select array_agg(s.secret_id order by s.created_at desc, s.secret_id) from gateway.endpoint_secrets s
     where s.endpoint_id = l.endpoint_id and (s.ends_at is null or s.ends_at > now())) as secret_ids,
    (select array_agg(s.sealed order by s.created_at desc, s.secret_id) from gateway.endpoint_secrets s
     where s.endpoint_id = l.endpoint_id and (s.ends_at is null or s.ends_at > now())) as sealed
