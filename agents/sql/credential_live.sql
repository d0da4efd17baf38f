-- The values of an integration that may be used. $1 integration, $2 the moment
select integration_id, field, version, sealed, created_at, created_by, live_from, live_until, revoked_at, revoked_by
from vault.integration_credentials
where integration_id = $1 and revoked_at is null and live_from <= $2 and (live_until is null or live_until > $2)
order by version desc, field
