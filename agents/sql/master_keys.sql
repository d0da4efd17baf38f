-- The master keys that something may be under: those that processes sealed with and nobody retired, and those of credentials.
select key_id from vault.master_keys where retired_at is null
union
select key_id from vault.integration_credentials where sealed is not null
