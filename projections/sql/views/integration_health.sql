-- How each integration stood at its last check.
create or replace view integration_health as
select distinct on (integration_id) integration_id, provider, status, response_time_ms, error_message, checked_at
from integration_health_checks
where kind = 'check'
order by integration_id, checked_at desc, event_id desc;
