-- Where one command stands, for a person. $1 command id
select c.command_id, c.command_type, c.key, c.state, c.claimed_at, c.first_sent_at, c.concluded_at,
       (select value ->> 1 from jsonb_array_elements(c.result_headers) as h(value)
        where value ->> 0 = 'ce_type' limit 1) as result_type,
       k.epoch, k.owner, k.lease_until, k.open_command = c.command_id as holds_key,
       (select jsonb_agg(to_jsonb(a) - 'command_id' order by a.number)
        from ledger.attempts a where a.command_id = c.command_id) as attempts
from ledger.commands c left join ledger.keys k using (key)
where c.command_id = $1
