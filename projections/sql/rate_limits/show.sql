-- Each operation's rate limit as it is used just now, for people.
select integration_id, operation, provider, limit_calls, per_s, used, resets_at, closed_until, throttled, turned_away
from integration_limits
order by integration_id, operation
