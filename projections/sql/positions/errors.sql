-- Keeps what could not be projected, each once however often it is met (a rebuild meets it again).
-- $1 projections, $2 topics, $3 partitions, $4 offsets, $5 event ids, $6 reasons, $7 fields, $8 details, $9 times
insert into projection_errors (projection, topic, partition, "offset", event_id, reason, field, detail, occurred_at)
select * from unnest(
    $1::text[], $2::text[], $3::integer[], $4::bigint[], $5::uuid[], $6::text[], $7::text[], $8::text[],
    $9::timestamptz[])
on conflict do nothing
