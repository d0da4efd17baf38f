-- Keeps the last attempts of each endpoint ($1), and none of endpoints that are gone; secrets that ended go too.
with ended as (
    delete from gateway.endpoint_secrets where ends_at < now()
)
delete from gateway.deliveries d
where not exists (select from gateway.endpoints e where e.endpoint_id = d.endpoint_id)
   or d.attempt_id < (select k.attempt_id from gateway.deliveries k where k.endpoint_id = d.endpoint_id
                      order by k.attempt_id desc offset $1 - 1 limit 1)
