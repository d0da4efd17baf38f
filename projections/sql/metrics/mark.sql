-- Marks events as counted; what comes back was not marked before.
-- $1 event ids, $2 their sources
insert into integration_metrics_seen{shadow} (event_id, event_source)
select * from unnest($1::uuid[], $2::text[])
on conflict do nothing
returning event_id, event_source
