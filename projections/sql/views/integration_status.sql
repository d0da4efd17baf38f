-- Each integration with the status that shows: `failing` while its last check failed or a breaker is not closed. A breaker
-- is one process's; what none has told of for an hour may be a process's that is gone.
create or replace view integration_status as
select c.integration_id, c.integration_type, c.provider, c.name, c.environment, c.owner, c.revision,
       c.status as declared,
       case when c.status = 'active' and (coalesce(h.status = 'unhealthy', false) or b.open) then 'failing'
            else c.status end as status,
       h.status as health, h.error_message, h.checked_at, b.open as breaker_open
from integration_configs c
left join lateral (
    select k.status, k.error_message, k.checked_at from integration_health_checks k
    where k.integration_id = c.integration_id and k.kind = 'check' and k.checked_at >= c.created_at
    order by k.checked_at desc, k.event_id desc limit 1
) h on true
cross join lateral (
    select coalesce(bool_or(latest.status <> 'closed'), false) as open
    from (
        select distinct on (k.operation_class, k.process) k.status from integration_health_checks k
        where k.integration_id = c.integration_id and k.kind = 'breaker' and k.checked_at > now() - interval '1 hour'
          and k.checked_at >= c.updated_at
        order by k.operation_class, k.process, k.checked_at desc, k.event_id desc
    ) latest
) b;
