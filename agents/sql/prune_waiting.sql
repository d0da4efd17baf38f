-- The oldest command that is not concluded or waits parked, of those that a cut would leave behind. $1 the smallest UUIDv7 kept
select command_id from (
    select p.command_id from ledger.parked p union all
    select c.command_id from ledger.commands c where c.state <> 'concluded'
) as waiting
where command_id < $1 and substring(command_id::text, 15, 1) = '7'
order by command_id limit 1
