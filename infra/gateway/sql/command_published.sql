-- The command ($1) lies in its topic at this partition ($2) and offset ($3). Of several records the first that is told stays.
update gateway.commands
set published_at = now(), partition = $2, "offset" = $3
where command_id = $1 and published_at is null
