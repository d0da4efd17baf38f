-- Tests that owners asked for: whoever takes one sends it, once.
with taken as (
    delete from gateway.endpoint_tests
    where endpoint_id in (select endpoint_id from gateway.endpoint_tests order by asked_at limit $1 for update skip locked)
    returning endpoint_id, message_id, asked_at
)
select t.endpoint_id, t.message_id, t.asked_at, e.url,
    (select array_agg(s.secret_id order by s.created_at desc, s.secret_id) from gateway.endpoint_secrets s
     where s.endpoint_id = t.endpoint_id and (s.ends_at is null or s.ends_at > now())) as secret_ids,
    (select array_agg(s.sealed order by s.created_at desc, s.secret_id) from gateway.endpoint_secrets s
     where s.endpoint_id = t.endpoint_id and (s.ends_at is null or s.ends_at > now())) as sealed
from taken t join gateway.endpoints e using (endpoint_id)
