-- Take deadlines away that were told of. One that was set anew since, by another command, stays.
-- $1 keys, $2 the commands that they were set with
delete from ledger.deadlines d
using unnest($1::text[], $2::uuid[]) as told(key, command_id)
where d.key = told.key and d.command_id = told.command_id and d.key = any($1)
