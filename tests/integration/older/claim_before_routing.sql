-- Take keys for commands, many in one round trip; no key and no command may stand in the batch twice.
-- Per asked command one row comes back, unless the ledger is not the one that was named (then none at all):
--   status 'taken'      the key is ours under `epoch`; `state`, `attempts` and the key's history (`key_state`) say where it stands
--          'concluded'  the result stands in result_value, result_headers
--          'conflict'   the id is known with another digest
--          'held'       another owner's lease runs, for `wait_s` seconds, or an earlier command of this key is open
--          'too_old'    the id is older than what is kept here: whether it was performed, nobody knows any more
--          'parked'     it lies parked already, and this is not its waking
--          'queued'     others of its key are parked before it: park it behind them
--          'retry'      it was concluded or marked under our hands, after our look at it: release the key and ask again
-- Tables are looked up by `any($n)`, here and in the statements beside this one: joined with the asked rows they would be read
-- whole as long as PostgreSQL has no statistics of them, as on a new ledger.
-- $1 keys, $2 command ids, $3 types, $4 digests, $5 owner tokens, $6 woken from being parked, $7 lease in seconds,
-- $8 incarnation
with ask as (
    select a.*,
           -- Only a UUIDv7 tells its age.
           coalesce(a.command_id < i.pruned_below and substring(a.command_id::text, 15, 1) = '7', false) as old
    from unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[], $5::uuid[], $6::bool[])
        as a(key, command_id, command_type, digest, owner, woken)
    join ledger.incarnation i on i.id = $8
),
known as (
    select c.command_id, c.digest, c.state, c.result_value, c.result_headers
    from ledger.commands c where c.command_id = any($2)
),
lying as (
    select p.command_id, p.digest from ledger.parked p where p.command_id = any($2)
),
tried as (
    select s.command_id, bool_or(s.state = 'sending') as maybe_sent,
        jsonb_agg(jsonb_build_object('number', s.number, 'integration_id', s.integration_id, 'reference', s.reference,
            'request_digest', s.request_digest, 'state', s.state,
            'sent_age_s', extract(epoch from ledger.now() - s.sent_at)) order by s.number) as attempts
    from ledger.attempts s where s.command_id = any($2)
    group by s.command_id
),
taken as (
    -- `woken` travels in the epoch's sign, since that is what the conflict clause can see; a woken key always exists.
    insert into ledger.keys as k (key, epoch, open_command, owner, lease_until)
    select a.key, case when a.woken then -1 else 1 end, a.command_id, a.owner,
           ledger.now() + make_interval(secs => $7)
    from ask a left join known n using (command_id) left join lying l using (command_id)
    where case when n.command_id is null then not a.old else n.state <> 'concluded' and n.digest = a.digest end
      and coalesce(l.digest = a.digest, true)
    order by a.key
    on conflict (key) do update
        set epoch = k.epoch + 1, open_command = excluded.open_command, owner = excluded.owner,
            lease_until = excluded.lease_until
        where (k.parked = 0 or excluded.epoch < 0)
          and (k.open_command is null
               or (k.open_command = excluded.open_command
                   and (k.lease_until <= ledger.now() or k.owner = excluded.owner))
               -- Left behind by a 'retry' whose worker died before the release: concluded, or another key's command.
               or exists (select from ledger.commands c
                          where c.command_id = k.open_command and (c.state = 'concluded' or c.key <> k.key)))
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
        -- A rebuilt ledger may not know the digest of a command that has a result.
        when (n.digest <> a.digest and n.digest <> '') or l.digest <> a.digest then 'conflict'
        when n.state = 'concluded' then 'concluded'
        when n.command_id is null and a.old then 'too_old'
        when t.key is null and not a.woken and l.command_id is not null then 'parked'
        when t.key is null and not a.woken and exists (select from ledger.parked p where p.key = a.key) then 'queued'
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
left join lying l using (command_id)
left join tried p using (command_id)
left join taken t on t.key = a.key
left join opened o on o.command_id = a.command_id
left join ledger.keys k on k.key = a.key and k.key = any($1) and t.key is null
