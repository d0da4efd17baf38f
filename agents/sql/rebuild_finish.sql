-- Put what was gathered in the place of the ledger's tables, and take the workshop away. One transaction: until it commits
-- the ledger is the old one, and closed.
-- What lies parked in a ledger that was restored, and nowhere else any more: its record is gone from the log.
create temporary table kept on commit drop as
select p.* from ledger.parked p
where not exists (select from ledger_rebuild.results r where r.command_id = p.command_id)
  and not exists (select from ledger_rebuild.records c where c.command_id = p.command_id and c.digest = p.digest);

truncate ledger.parked, ledger.attempts, ledger.commands, ledger.keys, ledger.deadlines, ledger.log_marks;

-- A command's digest is in its intents, else in its record while that is kept; an empty one is not known any more, and such
-- a command answers with its result whatever it is compared with. A rejected record is not the command's own.
insert into ledger.commands
    (command_id, key, command_type, digest, state, claimed_at, first_sent_at, concluded_at, result_value, result_headers)
select command_id, coalesce(r.key, i.key), coalesce(r.command_type, i.command_type), coalesce(i.digest, c.digest, ''),
       case when r.command_id is null then 'sending' else 'concluded' end,
       coalesce(i.first_sent_at, r.concluded_at), i.first_sent_at, r.concluded_at, r.value, r.headers::jsonb
from (
    select distinct on (command_id) * from ledger_rebuild.results order by command_id, partition, "offset"
) as r
full join (
    select command_id, (array_agg(key order by "offset"))[1] as key,
           (array_agg(command_type order by "offset"))[1] as command_type,
           (array_agg(digest order by "offset"))[1] as digest, min(intended_at) as first_sent_at
    from ledger_rebuild.intents group by command_id
) as i using (command_id)
left join (
    select distinct on (command_id) c.command_id, c.digest
    from ledger_rebuild.records c
    where not exists (select from ledger_rebuild.rejections j
                      where j.partition = c.partition and j."offset" = c."offset")
    order by c.command_id, c.partition, c."offset"
) as c using (command_id);

-- An attempt that is made again keeps its number: its last intent is the one that stands. Whether it was taken back does
-- not stand in the log.
insert into ledger.attempts (command_id, number, epoch, integration_id, reference, request_digest, state, sent_at, routed)
select distinct on (command_id, number)
       command_id, number, epoch, integration_id, reference, request_digest, 'sending', intended_at,
       routed::jsonb
from ledger_rebuild.intents order by command_id, number, partition, "offset" desc;

-- Epochs go on where no earlier one can have come: at the milliseconds of this moment. The command of a key that may have
-- been sent holds the key, so that no later one passes it.
insert into ledger.keys (key, epoch, open_command, owner, lease_until, state, parked)
select key, greatest(floor(extract(epoch from ledger.now()) * 1000)::bigint, e.epoch + 1), o.command_id, null,
       case when o.command_id is not null then ledger.now() end, s.state,
       (select count(*) from kept where kept.key = e.key)
from (
    select key, max(epoch) as epoch from (
        select key, epoch from ledger_rebuild.intents union all select key, 0 from ledger_rebuild.states
        union all select key, 0 from kept
    ) as every group by key
) as e
left join ledger_rebuild.states s using (key)
left join (
    select distinct on (key) key, command_id from ledger.commands
    where state = 'sending' order by key, first_sent_at, command_id
) as o using (key);

-- Some were told of before; that is the same command again.
insert into ledger.deadlines (key, command_id, at) select key, command_id, at from ledger_rebuild.deadlines;

insert into ledger.parked overriding system value select * from kept;

drop schema ledger_rebuild cascade;
