-- Lay commands down in their key's order. One that holds its key lets go of it, and stays open; one that was queued behind
-- others joins them. What does not come back was not laid down: the key was lost, or nothing is parked there any more.
-- $1 keys, $2 epochs (null: queued behind), $3 command ids, $4 integrations, $5 topics, $6 partitions, $7 offsets,
-- $8 sealed records, $9 reasons, $10 due in seconds, $11 digests, $12 whether it counts as a try
with ask as (
    select * from unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::bigint[],
                         $8::bytea[], $9::text[], $10::float8[], $11::bytea[], $12::bool[])
        as a(key, epoch, command_id, integration_id, topic, partition, "offset", sealed, reason, due_s, digest, counts)
),
locked as (
    select k.key, k.epoch, k.open_command, k.parked
    from ledger.keys k join ask using (key) where k.key = any($1) order by k.key for update of k
),
fit as (
    select a.* from ask a join locked l using (key)
    where (a.epoch is not null and l.epoch = a.epoch and l.open_command = a.command_id)
       or (a.epoch is null and l.parked > 0)
),
laid as (
    insert into ledger.parked as p
        (key, command_id, digest, integration_id, topic, partition, "offset", sealed, reason, tries, parked_at, due_at)
    select key, command_id, digest, integration_id, topic, partition, "offset", sealed, reason, counts::int, ledger.now(),
           ledger.now() + make_interval(secs => due_s)
    from fit order by key
    on conflict (command_id) do update
        set due_at = excluded.due_at, reason = excluded.reason, tries = p.tries + excluded.tries,
            integration_id = coalesce(excluded.integration_id, p.integration_id)
    -- A row that was inserted has no deleter; one that was updated names its updater there.
    returning p.command_id, p.xmax = 0 as fresh
),
counted as (
    update ledger.keys k
    set parked = k.parked + l.fresh::int,
        lease_until = case when f.epoch is null then k.lease_until else ledger.now() end,
        owner = case when f.epoch is null then k.owner end
    from fit f join laid l using (command_id) where k.key = f.key and k.key = any($1)
)
select command_id from laid
