-- The subjects of lookups, made where there is none. A lookup has no row when another session made it a moment ago: ask
-- again. Sorted, so that two sessions wait for each other in one order. $1 lookups, $2 new subjects, $3 their sealed keys,
-- $4 the keys' master key
with wanted as (
    select * from unnest($1::bytea[], $2::uuid[], $3::bytea[]) as wanted (lookup, subject, sealed_key)
), known as (
    select s.lookup, s.subject, s.sealed_key from vault.subjects s join wanted using (lookup)
), made as (
    insert into vault.subjects (subject, lookup, sealed_key, key_id, created_at)
    select subject, lookup, sealed_key, $4, ledger.now() from wanted
    where not exists (select from known where known.lookup = wanted.lookup)
    order by lookup
    on conflict (lookup) where lookup is not null do nothing
    returning lookup, subject, sealed_key
)
select lookup, subject, sealed_key from known union all select lookup, subject, sealed_key from made
