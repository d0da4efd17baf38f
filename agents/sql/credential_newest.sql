-- The number of an integration's newest version, 0 for none. $1 integration
select coalesce(max(version), 0) from vault.integration_credentials where integration_id = $1
