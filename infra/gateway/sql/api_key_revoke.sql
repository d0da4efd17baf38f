-- Ends a key at once; who ended it first stays.
update gateway.api_keys set revoked_at = $2, revoked_by = $3, revision = $4 where prefix = $1 and revoked_at is null;
