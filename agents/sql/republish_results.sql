-- Results that the log does not hold, in the order in which they were concluded.
select c.key, c.result_value, c.result_headers from ledger.commands c
where c.state = 'concluded' and not exists (select from logged l where l.command_id = c.command_id and l.number = 0)
order by c.concluded_at, c.command_id
