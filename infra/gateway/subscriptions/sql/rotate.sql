-- A further secret ($3, $4); the others end after $5 seconds, or when they would have ended. No row: it is not the owner's,
-- or $6 secrets are live already.
with owned as (
    update gateway.endpoints e set revision = revision + 1
    where endpoint_id = $1 and owner = $2
      and (select count(*) from gateway.endpoint_secrets s
           where s.endpoint_id = e.endpoint_id and (s.ends_at is null or s.ends_at > now())) < $6
    returning endpoint_id
), ending as (
    update gateway.endpoint_secrets s
    set ends_at = least(coalesce(s.ends_at, 'infinity'), now() + make_interval(secs => $5))
    from owned where s.endpoint_id = owned.endpoint_id and (s.ends_at is null or s.ends_at > now())
), added as (
    insert into gateway.endpoint_secrets (secret_id, endpoint_id, sealed) select $3, endpoint_id, $4 from owned
)
select endpoint_id from owned
