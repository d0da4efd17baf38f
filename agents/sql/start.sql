-- Lift a stop that was set by hand. Of an integration that is paused or disabled the row stays, as its own.
-- $1 integration, $2 the moment of the stop that is meant: a later one stays.
with held as (
    select from registry.integrations where integration_id = $1 and status <> 'active'
),
kept as (
    update ledger.stops set by_hand = false
    where integration_id = $1 and stopped_at = $2 and by_hand and exists (select from held)
    returning integration_id
),
gone as (
    delete from ledger.stops
    where integration_id = $1 and stopped_at = $2 and by_hand and not exists (select from held)
    returning integration_id
)
select integration_id from kept union all select integration_id from gone
