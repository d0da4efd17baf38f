-- A new endpoint with its first secret. It begins a little before now in each partition, since publishers' clocks differ.
-- No row: the owner ($2) has as many as one may have ($10).
with changed as (
    update gateway.endpoint_changes set revision = revision + 1
    where (select count(*) from gateway.endpoints where owner = $2) < $10
    returning revision
), added as (
    insert into gateway.endpoints (endpoint_id, owner, url, event_types, integrations, description, status)
    select $1, $2, $3, $4, $5, $6, 'active' from changed
    returning *
), secret as (
    insert into gateway.endpoint_secrets (secret_id, endpoint_id, sealed)
    select $7, endpoint_id, $8 from added
), lanes as (
    insert into gateway.endpoint_lanes (endpoint_id, partition, replay_from)
    select endpoint_id, partition, now() - interval '2 seconds' from added, generate_series(0, $9::integer - 1) as partition
)
select * from added
