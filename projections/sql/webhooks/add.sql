-- Adds records of the topic of webhooks, one row each. One array a column, in the order of the column list.
insert into webhook_records{shadow} (
    topic, partition, "offset", kind, integration_id, at, event_id, record_id, provider, event_type, said,
    our_reference, provider_reference, secret_index, signed_at, body_digest, size_bytes, requeued, outcome,
    payment_id, command_id, detail, why, times, first_at, process)
select * from unnest(
    $1::text[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::uuid[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::timestamptz[], $16::text[],
    $17::bigint[], $18::boolean[], $19::text[], $20::uuid[], $21::uuid[], $22::text[], $23::text[], $24::bigint[],
    $25::timestamptz[], $26::text[])
