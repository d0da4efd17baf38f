-- Store results and free the keys. A command comes back when its result is the one given here, now or from an earlier try
-- of the same conclusion; one that does not come back was taken over by somebody else, and nothing was stored.
-- One that was parked keeps its place until its result is in the log: its offset is acknowledged, so that a worker that
-- dies in between leaves nothing else by which anybody would publish the result.
-- $1 keys, $2 epochs, $3 command ids, $4 key states, $5 result values, $6 result headers as JSON text,
-- $7 deadlines (null: as before), $8 whether the key waits no more, $9 incarnation
with ask as (
    select * from unnest($1::text[], $2::bigint[], $3::uuid[], $4::bytea[], $5::bytea[], $6::text[], $7::timestamptz[], $8::bool[])
        as a(key, epoch, command_id, key_state, result_value, result_headers, deadline, waits_no_more)
),
fenced as (
    select a.* from ask a join ledger.keys k
        on k.key = a.key and k.epoch = a.epoch and k.open_command = a.command_id
    where k.key = any($1) and exists (select from ledger.incarnation i where i.id = $9)
    order by k.key for update of k
),
stored as (
    update ledger.commands c
    set state = 'concluded', concluded_at = ledger.now(), result_value = f.result_value, result_headers = f.result_headers::jsonb
    from fenced f where c.command_id = f.command_id and c.command_id = any($3) and c.state <> 'concluded'
    returning c.command_id
),
freed as (
    update ledger.keys k
    set open_command = null, owner = null, lease_until = null, state = coalesce(f.key_state, k.state)
    from fenced f join stored using (command_id) where k.key = f.key and k.key = any($1)
    returning f.command_id
),
waiting as (
    insert into ledger.deadlines as d (key, command_id, at)
    select f.key, f.command_id, f.deadline from fenced f join stored using (command_id) where f.deadline is not null
    on conflict (key) do update set command_id = excluded.command_id, at = excluded.at
),
settled as (
    delete from ledger.deadlines d
    using fenced f join stored using (command_id) where f.waits_no_more and d.key = f.key and d.key = any($1)
)
select command_id from freed
union
select a.command_id from ask a join ledger.commands c using (command_id)
    where c.command_id = any($3) and c.state = 'concluded' and c.result_value = a.result_value
