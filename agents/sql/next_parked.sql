-- The command of a key that waits first. $1 key
select command_id, sealed, topic, partition, "offset", tries, withdrawn from ledger.parked
where key = $1 order by position limit 1
