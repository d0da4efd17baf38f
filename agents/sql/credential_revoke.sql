-- End a live version and erase its values. $1 integration, $2 version, $3 the moment, $4 by, $5 change
update vault.integration_credentials set revoked_at = $3, revoked_by = $4, sealed = null, change = $5
where integration_id = $1 and version = $2 and revoked_at is null and live_from <= $3
  and (live_until is null or live_until > $3)
returning integration_id, field, version, sealed, created_at, created_by, live_from, live_until, revoked_at, revoked_by
