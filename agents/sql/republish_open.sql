-- Commands that were begun, have no result and do not lie parked: only their publisher can bring them back.
select c.command_id, c.key, c.state from ledger.commands c
where c.state <> 'concluded' and not exists (select from ledger.parked p where p.command_id = c.command_id)
order by c.command_id
