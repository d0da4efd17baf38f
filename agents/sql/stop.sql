-- Stop an integration: no statement that begins after this one has committed marks anything for it. The first stop stands;
-- one that belongs to a paused integration becomes the hand's, so that resuming it does not lift it.
-- $1 integration, $2 who, $3 why
with stopped as (
    insert into ledger.stops as known (integration_id, stopped_by, why, stopped_at) values ($1, $2, $3, ledger.now())
    on conflict (integration_id) do update
        set stopped_by = excluded.stopped_by, why = excluded.why, stopped_at = excluded.stopped_at, by_hand = true
        where not known.by_hand
    returning integration_id, stopped_by, why, stopped_at
)
select *, true as fresh from stopped
union all
select integration_id, stopped_by, why, stopped_at, false from ledger.stops
where integration_id = $1 and not exists (select from stopped)
