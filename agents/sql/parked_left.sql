-- How many parked records do not begin like this: they are under another master key. $1 beginning
select count(*) from ledger.parked where substring(sealed from 1 for octet_length($1::bytea)) <> $1::bytea
