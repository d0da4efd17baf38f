-- Store one field of a version. $1 id, $2 integration, $3 field, $4 version, $5 sealed, $6 key id, $7 the moment, $8 by, $9 change
insert into vault.integration_credentials
    (id, integration_id, field, version, sealed, key_id, created_at, created_by, live_from, change)
values ($1, $2, $3, $4, $5, $6, $7, $8, $7, $9)
