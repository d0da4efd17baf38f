-- Latency of answered calls by integration, operation and minute, from the histogram: the upper bound of the bucket in
-- which the percentile falls, in microseconds. Calls that never left us are not counted. Further intervals are had by
-- adding buckets up before the percentile is taken, never by averaging percentiles.
create or replace view integration_latency as
with counted as (
    select integration_id, provider, operation, minute, u.bucket, sum(u.calls) as calls, max(duration_us_max) as longest
    from integration_metrics, unnest(buckets) with ordinality as u (calls, bucket)
    where outcome <> 'not_sent'
    group by integration_id, provider, operation, minute, u.bucket
), ranked as (
    select counted.*, coalesce(latency_buckets.upper_us, longest) as upper_us,
           sum(calls) over (partition by integration_id, provider, operation, minute order by counted.bucket) as upto,
           sum(calls) over (partition by integration_id, provider, operation, minute) as total
    from counted join latency_buckets using (bucket)
)
select integration_id, provider, operation, minute, total as calls,
       min(upper_us) filter (where upto * 100 >= total * 50) as p50_us,
       min(upper_us) filter (where upto * 100 >= total * 95) as p95_us,
       min(upper_us) filter (where upto * 100 >= total * 99) as p99_us
from ranked
group by integration_id, provider, operation, minute, total;
