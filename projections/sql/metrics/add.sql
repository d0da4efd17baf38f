-- Adds counts to the rows of their keys; no key stands twice in the batch.
-- $1 integrations, $2 providers, $3 operations, $4 minutes, $5 outcomes, $6 calls, $7 sums and $8 maxima of durations in
-- microseconds, $9 histograms (one a row, as a two-dimensional array)
insert into integration_metrics{shadow} as known (
    integration_id, provider, operation, minute, outcome, calls, duration_us_sum, duration_us_max, buckets)
select added.integration_id, added.provider, added.operation, added.minute, added.outcome, added.calls, added.summed,
       added.longest,
       (select array_agg(count order by place) from unnest(($9::bigint[])[added.number:added.number][:])
            with ordinality as counts (count, place))
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::bigint[], $7::numeric[], $8::bigint[])
    with ordinality as added (integration_id, provider, operation, minute, outcome, calls, summed, longest, number)
on conflict (integration_id, provider, operation, minute, outcome) do update set
    calls = known.calls + excluded.calls,
    duration_us_sum = known.duration_us_sum + excluded.duration_us_sum,
    duration_us_max = greatest(known.duration_us_max, excluded.duration_us_max),
    buckets = (
        select array_agg(mine + theirs order by place)
        from unnest(known.buckets, excluded.buckets) with ordinality as pairs (mine, theirs, place))
