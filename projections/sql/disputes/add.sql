-- What was told of disputes; an event that comes again adds nothing. One array a column, in the order of the column list.
insert into payment_dispute_history{shadow} (
    event_source, event_id, integration_id, dispute_reference, payment_id, sequence, change, state, provider_state, stage,
    amount_minor, currency, withdrawn_minor, withdrawn_currency, respond_by, observed_at, command_id)
select * from unnest(
    $1::text[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::bigint[], $12::text[], $13::bigint[], $14::text[], $15::timestamptz[], $16::timestamptz[], $17::uuid[])
on conflict do nothing
