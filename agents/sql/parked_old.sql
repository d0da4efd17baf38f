-- Some parked records after a command id that do not begin like this. $1 beginning, $2 command id, $3 how many
select command_id, sealed from ledger.parked
where command_id > $2 and substring(sealed from 1 for octet_length($1::bytea)) <> $1::bytea order by command_id limit $3
