-- Which payments and resources of an account go by these names: $1 integration, $2 our reference (or null), $3 the provider's (or null).
-- The reference is of one attempt: with it come its command, of which type it is and when it was claimed, in milliseconds.
select c.key, c.command_id, c.command_type, (extract(epoch from c.claimed_at) * 1000)::bigint as claimed_ms
from ledger.attempts s join ledger.commands c using (command_id)
where s.integration_id = $1 and s.reference = $2
union all
select k.key, null, null, null
from ledger.keys k
where k.state is not null and ledger.provider_name(k.state) = $1::text || '/' || $3::text
