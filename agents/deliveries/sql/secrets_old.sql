-- Some secrets that do not begin like this: they are under another master key. $1 beginning, $2 how many
select secret_id, sealed from gateway.endpoint_secrets
where substring(sealed from 1 for octet_length($1::bytea)) <> $1::bytea order by secret_id limit $2
