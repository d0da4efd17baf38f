-- One key, held until the transaction ends.
select prefix, caller, name, source, scopes, integrations, rate, digest, created_at, created_by, expires_at, revoked_at,
       revoked_by, replaced_by, last_used_at, revision
from gateway.api_keys where prefix = $1 for update;
