-- The live versions of all integrations, without values. $1 the moment
select integration_id, field, version, created_at, created_by, live_from, live_until, revoked_at, revoked_by
from vault.integration_credentials
where revoked_at is null and live_from <= $1 and (live_until is null or live_until > $1)
order by integration_id, version desc, field
