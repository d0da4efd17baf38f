-- How many integrations have a breaker that was last heard of as not closed, within the hour.
select count(distinct latest.integration_id)
from (
    select distinct on (integration_id, operation_class, process) integration_id, status
    from integration_health_checks where kind = 'breaker' and checked_at > now() - interval '1 hour'
    order by integration_id, operation_class, process, checked_at desc, event_id desc
) latest
where latest.status <> 'closed'
