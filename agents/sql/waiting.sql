-- What lies parked, by integration and reason, the most first. One that waits behind another counts for the integration of
-- the first of its key. $1 integration, or null for all
with lying as (
    select p.*, first_value(p.integration_id) over (partition by p.key order by p.position) as of_first
    from ledger.parked p
)
select coalesce(integration_id, of_first) as integration_id, reason, count(*) as commands,
       count(distinct key) as keys, min(parked_at) as oldest, min(due_at) as next_due, count(withdrawn) as withdrawn
from lying
where $1::text is null or coalesce(integration_id, of_first) = $1
group by 1, 2 order by 3 desc, 1, 2
