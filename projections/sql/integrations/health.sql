-- How each integration did at its last check, and whether a breaker of it is not closed.
select h.integration_id, h.status as health, h.error_message, h.checked_at, coalesce(b.open, false) as breaker_open
from integration_health h
left join (
    select latest.integration_id, bool_or(latest.status <> 'closed') as open
    from (
        select distinct on (integration_id, operation_class, process) integration_id, status
        from integration_health_checks where kind = 'breaker' and checked_at > now() - interval '1 hour'
        order by integration_id, operation_class, process, checked_at desc, event_id desc
    ) latest
    group by latest.integration_id
) b using (integration_id)
