-- The subject of a lookup, made if there is none. No row when another session made it a moment ago: ask again.
-- $1 lookup, $2 new subject, $3 its sealed key, $4 the key's master key
with known as (
    select subject, sealed_key from vault.subjects where lookup = $1
), made as (
    insert into vault.subjects (subject, lookup, sealed_key, key_id, created_at)
    select $2, $1, $3, $4, ledger.now() where not exists (select from known)
    on conflict (lookup) where lookup is not null do nothing
    returning subject, sealed_key
)
select subject, sealed_key from known union all select subject, sealed_key from made
