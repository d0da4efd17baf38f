-- Events and counts of refused calls, the newest first: $1 integration (null: all), $2 status (null: any), $3 at most so many
select integration_id, event_id, event_type, said, status, why, first_at, last_at, times, duplicates, handled_at, payment_id,
       command_id, detail
from webhook_events
where ($1::text is null or integration_id = $1) and ($2::text is null or status = $2)
order by last_at desc nulls last
limit $3
