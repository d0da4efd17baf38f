-- Adds a key.
insert into gateway.api_keys (prefix, caller, name, source, scopes, integrations, rate, digest, created_at, created_by,
                              expires_at, revision)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);
