-- Marks events as projected; what comes back was marked before, which is seldom any.
-- $1 event ids, $2 their sources
with told as (
    select * from unnest($1::uuid[], $2::text[]) as told (event_id, event_source)
), marked as (
    insert into payment_resources_seen{shadow} (event_id, event_source)
    select * from told
    on conflict do nothing
    returning event_id, event_source
)
select * from told except select * from marked
