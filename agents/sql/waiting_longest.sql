-- The commands that have lain parked the longest. $1 integration, or null for all, $2 at most so many
with lying as (
    select p.*, first_value(p.integration_id) over (partition by p.key order by p.position) as of_first
    from ledger.parked p
)
select command_id, key, coalesce(integration_id, of_first) as integration_id, reason, tries, parked_at, due_at, withdrawn
from lying
where $1::text is null or coalesce(integration_id, of_first) = $1
order by position limit $2
