-- Delete a batch of commands that are older than the cut by their own id, and were concluded before it. Ids that are no
-- UUIDv7 tell no age and stay. $1 the smallest UUIDv7 that is kept, $2 the moment of the cut, $3 where the last batch ended,
-- $4 at most so many
with gone as (
    select command_id, key from ledger.commands
    where command_id > $3 and command_id < $1 and substring(command_id::text, 15, 1) = '7'
      and state = 'concluded' and concluded_at < $2
    order by command_id limit $4
),
tried as (
    select count(*) as attempts from ledger.attempts join gone using (command_id)
),
deleted as (
    delete from ledger.commands c using gone where c.command_id = gone.command_id returning c.command_id
)
select count(*) as commands, max(command_id::text)::uuid as last, (select attempts from tried) as attempts,
       array_agg(distinct key) as keys
from gone
where (select count(*) from deleted) >= 0
