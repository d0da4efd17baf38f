-- Where one command stands, for a person: claimed, sending, concluded, or parked, also when it was never claimed because
-- others of its key lie before it. $1 command id
select a.command_id, c.command_type, coalesce(c.key, p.key) as key, coalesce(c.state, 'queued') as state,
       c.claimed_at, c.first_sent_at, c.concluded_at,
       (select value ->> 1 from jsonb_array_elements(c.result_headers) as h(value)
        where value ->> 0 = 'ce_type' limit 1) as result_type,
       k.epoch, k.owner, k.lease_until, k.open_command = a.command_id as holds_key,
       (select jsonb_agg(to_jsonb(s) - 'command_id' order by s.number)
        from ledger.attempts s where s.command_id = a.command_id) as attempts,
       p.command_id is not null as parked, p.reason as parked_reason, p.integration_id as parked_integration,
       p.parked_at, p.due_at, p.tries, p.withdrawn,
       (select count(*) from ledger.parked q where q.key = p.key and q.position < p.position) as parked_behind
from (select $1::uuid as command_id) a
left join ledger.commands c using (command_id)
left join ledger.parked p using (command_id)
left join ledger.keys k on k.key = coalesce(c.key, p.key)
where c.command_id is not null or p.command_id is not null
