-- How far each operation's rate limit is used just now, over all processes: what was used in a window that is over
-- counts no more. `throttled` and `turned_away` are counts since each process began, the ended ones included.
create or replace view integration_limits as
select integration_id,
       operation,
       max(provider) as provider,
       (array_agg(limit_calls order by reported_at desc))[1] as limit_calls,
       (array_agg(per_s order by reported_at desc))[1] as per_s,
       coalesce(sum(used) filter (where resets_at > now()), 0)::bigint as used,
       max(resets_at) filter (where resets_at > now()) as resets_at,
       max(closed_until) filter (where closed_until > now()) as closed_until,
       sum(throttled)::bigint as throttled,
       sum(turned_away)::bigint as turned_away,
       max(reported_at) as reported_at
from integration_rate_limits
group by integration_id, operation;
