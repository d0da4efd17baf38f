-- Note how far the log was compared, never backwards, and only in the ledger that it was compared with.
-- $1 topics, $2 partitions, $3 next offsets, $4 ids of the records before them, $5 incarnation
insert into ledger.log_marks as m (topic, partition, next_offset, record_id)
select a.* from unnest($1::text[], $2::int[], $3::bigint[], $4::text[]) as a(topic, partition, next_offset, record_id)
where exists (select from ledger.incarnation i where i.id = $5)
order by 1, 2
on conflict (topic, partition) do update
    set next_offset = excluded.next_offset, record_id = excluded.record_id where m.next_offset < excluded.next_offset
