-- Every version of an integration, without values. $1 integration
select integration_id, field, version, created_at, created_by, live_from, live_until, revoked_at, revoked_by
from vault.integration_credentials where integration_id = $1 order by version, field
