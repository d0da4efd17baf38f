-- The log tells of these.
delete from gateway.endpoint_disablings d
using unnest($1::uuid[], $2::timestamptz[]) as t (endpoint_id, disabled_at)
where d.endpoint_id = t.endpoint_id and d.disabled_at = t.disabled_at
