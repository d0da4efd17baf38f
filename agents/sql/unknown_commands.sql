-- Which of these commands the ledger has never claimed. $1 command ids
select a.command_id from unnest($1::uuid[]) as a(command_id)
where not exists (select from ledger.commands c where c.command_id = a.command_id)
