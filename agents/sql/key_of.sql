-- What is known of a command's key. $1 command id
select k.key, k.state from ledger.commands c join ledger.keys k using (key) where c.command_id = $1
