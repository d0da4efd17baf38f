-- Delete those of these keys that nothing points to and whose results add up to nothing; what a payment or a resource has come to is
-- needed for refunds years later. A worker that takes one at this moment keeps it: its row is judged anew. $1 keys
with gone as (
    delete from ledger.keys k
    where k.key = any($1::text[]) and k.open_command is null and k.parked = 0
      and not exists (select from ledger.commands c where c.key = k.key)
      and (k.state is null or convert_from(k.state, 'UTF8')::jsonb - array['payment_id', 'resource_id'] = '{}'::jsonb)
    returning k.key
)
select count(*) from gone
