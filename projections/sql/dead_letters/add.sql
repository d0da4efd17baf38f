-- Adds dead letters, one row a record. One array a column, in the order of the column list.
insert into dead_letters{shadow} (
    topic, partition, "offset", reason, field, detail, record_topic, record_partition, record_offset, attempts, masked,
    cut_from, record_key, record_type, record_id, died_at)
select * from unnest(
    $1::text[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[],
    $10::bigint[], $11::boolean[], $12::bigint[], $13::text[], $14::text[], $15::uuid[], $16::timestamptz[])
