-- Puts the latest report of each process in its row; an earlier one, or the same again, changes nothing.
-- $1 integrations, $2 operations, $3 processes, $4 providers, $5 limits in calls, $6 windows in milliseconds, $7 calls
-- allowed to the process, $8 calls used, $9 calls put off, $10 calls turned away, $11 whether shared, $12 ends of
-- pauses, $13 ends of windows, $14 sources, $15 event ids, $16 times; no key stands twice in the batch.
insert into integration_rate_limits{shadow} as known (
    integration_id, operation, process, provider, limit_calls, window_ms, allowed, used, throttled, turned_away, shared,
    closed_until, resets_at, event_source, event_id, reported_at)
select * from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::bigint[], $11::boolean[], $12::timestamptz[], $13::timestamptz[], $14::text[], $15::uuid[],
    $16::timestamptz[])
on conflict (integration_id, operation, process) do update set
    provider = excluded.provider,
    limit_calls = excluded.limit_calls,
    window_ms = excluded.window_ms,
    allowed = excluded.allowed,
    used = excluded.used,
    throttled = excluded.throttled,
    turned_away = excluded.turned_away,
    shared = excluded.shared,
    closed_until = excluded.closed_until,
    resets_at = excluded.resets_at,
    event_source = excluded.event_source,
    event_id = excluded.event_id,
    reported_at = excluded.reported_at
where (known.reported_at, known.event_id) < (excluded.reported_at, excluded.event_id)
