-- The keys that were made or changed after change $1, revoked and expired ones too.
select prefix, caller, name, source, scopes, integrations, rate, digest, created_at, created_by, expires_at, revoked_at,
       revoked_by, replaced_by, last_used_at, revision
from gateway.api_keys where revision > $1 order by revision;
