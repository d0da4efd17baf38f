-- The integrations that commands of a payment or resource ($1) went to or were meant for, as far as that is projected, and those of
-- its creations over HTTP by one caller ($2), which the projections may not have yet. $3 the types of creations
select integration_id from integration_queue_jobs where key = $1 and integration_id is not null
union
select integration_id from gateway.commands
where key = $1 and caller = $2 and command_type = any($3::text[]) and integration_id is not null
