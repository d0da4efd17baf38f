-- Take keys for commands, many in one round trip; no key and no command may stand in the batch twice.
-- Per asked command one row comes back, unless the ledger is not the one that was named (then none at all):
--   status 'taken'      the key is ours under `epoch`; `state`, `attempts` and the key's history (`key_state`) say where it stands
--          'concluded'  the result stands in result_value, result_headers
--          'conflict'   the id is known with another digest
--          'held'       another owner's lease runs, for `wait_s` seconds, or an earlier command of this key is open
--          'retry'      it was concluded or marked under our hands, after our look at it: release the key and ask again
-- $1 keys, $2 command ids, $3 types, $4 digests, $5 owner tokens, $6 lease in seconds, $7 incarnation
with ask as (
    select a.* from unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[], $5::uuid[])
        as a(key, command_id, command_type, digest, owner)
    where exists (select from ledger.incarnation i where i.id = $7)
),
known as (
    select c.command_id, c.digest, c.state, c.result_value, c.result_headers
    from ledger.commands c join ask using (command_id)
),
tried as (
    select s.command_id, bool_or(s.state = 'sending') as maybe_sent,
        jsonb_agg(jsonb_build_object('number', s.number, 'integration_id', s.integration_id, 'reference', s.reference,
            'request_digest', s.request_digest, 'state', s.state,
            'sent_age_s', extract(epoch from ledger.now() - s.sent_at)) order by s.number) as attempts
    from ledger.attempts s join ask using (command_id)
    group by s.command_id
),
taken as (
    insert into ledger.keys as k (key, epoch, open_command, owner, lease_until)
    select a.key, 1, a.command_id, a.owner, ledger.now() + make_interval(secs => $6)
    from ask a left join known n using (command_id)
    where n.command_id is null or (n.state <> 'concluded' and n.digest = a.digest)
    order by a.key
    on conflict (key) do update
        set epoch = k.epoch + 1, open_command = excluded.open_command, owner = excluded.owner,
            lease_until = excluded.lease_until
        where k.open_command is null
           or (k.open_command = excluded.open_command
               and (k.lease_until <= ledger.now() or k.owner = excluded.owner))
           -- Left behind by a 'retry' whose worker died before the release: concluded, or another key's command.
           or exists (select from ledger.commands c
                      where c.command_id = k.open_command and (c.state = 'concluded' or c.key <> k.key))
    returning k.key, k.epoch, k.state
),
opened as (
    insert into ledger.commands as c (command_id, key, command_type, digest, state, claimed_at)
    select a.command_id, a.key, a.command_type, a.digest, 'claimed', ledger.now()
    from ask a join taken using (key)
    order by a.command_id
    on conflict (command_id) do update set claimed_at = c.claimed_at
        where c.state <> 'concluded' and c.digest = excluded.digest
    returning c.command_id, c.state, c.claimed_at, c.first_sent_at
)
select
    a.command_id,
    case
        when n.digest <> a.digest then 'conflict'
        when n.state = 'concluded' then 'concluded'
        when t.key is null then 'held'
        when o.command_id is null then 'retry'
        -- While we waited for the key its last owner marked an attempt that our look at `attempts` is too old to show.
        when (o.state = 'sending') <> coalesce(p.maybe_sent, false) then 'retry'
        else 'taken'
    end as status,
    t.epoch,
    o.state,
    t.state as key_state,
    extract(epoch from ledger.now() - o.claimed_at)::float8 as claimed_age_s,
    extract(epoch from ledger.now() - o.first_sent_at)::float8 as sent_age_s,
    extract(epoch from case when k.open_command = a.command_id then k.lease_until - ledger.now() end)::float8 as wait_s,
    n.result_value,
    n.result_headers,
    p.attempts
from ask a
left join known n using (command_id)
left join tried p using (command_id)
left join taken t on t.key = a.key
left join opened o on o.command_id = a.command_id
left join ledger.keys k on k.key = a.key and t.key is null
