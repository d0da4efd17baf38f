-- The master keys that something may be under: those that processes sealed with and nobody retired, and those of credentials
-- and of data subjects' keys.
select key_id from vault.master_keys where retired_at is null
union
select key_id from vault.integration_credentials where sealed is not null
union
select key_id from vault.subjects where sealed_key is not null
union
select key_id from vault.subject_state
