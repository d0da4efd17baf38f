-- Where a command stands, if it was ever taken up. $1 command id
select c.state from ledger.commands c where c.command_id = $1
