-- Which of these commands the ledger does not have as concluded. What was pruned it had. $1 command ids
select a.command_id from unnest($1::uuid[]) as a(command_id)
where not exists (select from ledger.commands c where c.command_id = a.command_id and c.state = 'concluded')
  and not exists (select from ledger.incarnation i
                  where a.command_id < i.pruned_below and substring(a.command_id::text, 15, 1) = '7')
