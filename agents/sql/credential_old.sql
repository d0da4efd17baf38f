-- Some values that are under another master key than $1, held until they are rewrapped. $2 how many
select id, integration_id, field, version, sealed from vault.integration_credentials
where sealed is not null and key_id <> $1 order by key_id, id limit $2 for update
