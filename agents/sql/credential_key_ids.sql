-- The master keys that credentials are under.
select distinct key_id from vault.integration_credentials where sealed is not null
