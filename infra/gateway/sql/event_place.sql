-- Where the first in the list of these events ($3) about a command ($1) lies in the topic ($2).
select event_id, partition, "offset"
from integration_audit_logs
where command_id = $1 and topic = $2 and event_id = any ($3::uuid[])
order by array_position($3::uuid[], event_id), "offset"
limit 1
