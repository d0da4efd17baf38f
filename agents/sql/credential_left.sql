-- How many values are under another master key than $1.
select count(*) from vault.integration_credentials where sealed is not null and key_id <> $1
