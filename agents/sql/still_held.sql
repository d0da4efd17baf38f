-- How many of these claims still run. $1 keys, $2 epochs
select count(*) from unnest($1::text[], $2::bigint[]) as a(key, epoch) join ledger.keys k using (key, epoch)
where k.lease_until > ledger.now() and k.open_command is not null
