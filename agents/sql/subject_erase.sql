-- Destroy the keys of subjects, and tell all workers. Those that are erased already stay as they are. $1 subjects
with erased as (
    update vault.subjects
    set sealed_key = null, lookup = null, key_id = null, erased_at = ledger.now()
    where subject = any($1) and sealed_key is not null
    returning subject
), told as (
    update vault.subject_state set erasures = erasures + (select count(*) from erased)
    where exists (select from erased)
)
select subject from erased
