-- Stop an integration: no statement that begins after this one has committed marks anything for it. The first stop stands.
-- $1 integration, $2 who, $3 why
with stopped as (
    insert into ledger.stops (integration_id, stopped_by, why, stopped_at) values ($1, $2, $3, ledger.now())
    on conflict (integration_id) do nothing
    returning integration_id, stopped_by, why, stopped_at
)
select *, true as fresh from stopped
union all
select integration_id, stopped_by, why, stopped_at, false from ledger.stops where integration_id = $1
