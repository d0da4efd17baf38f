-- Adds checks and changes of breakers; an event that has its row already adds nothing.
-- $1 sources, $2 event ids, $3 kinds, $4 integrations, $5 providers, $6 states, $7 states before, $8 operation classes,
-- $9 processes, $10 response times in milliseconds, $11 errors, $12 times
insert into integration_health_checks{shadow} (
    event_source, event_id, kind, integration_id, provider, status, previous_status, operation_class, process,
    response_time_ms, error_message, checked_at)
select * from unnest(
    $1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::bigint[], $11::text[], $12::timestamptz[])
on conflict (event_id, event_source) do nothing
