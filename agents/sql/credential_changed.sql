-- Integrations that were changed after a number. $1 number
select distinct integration_id from vault.integration_credentials where change > $1
