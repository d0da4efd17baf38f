-- Marks events as projected; what comes back was not marked before.
-- $1 event ids, $2 their sources
insert into payment_transactions_seen{shadow} (event_id, event_source)
select * from unnest($1::uuid[], $2::text[])
on conflict do nothing
returning event_id, event_source
