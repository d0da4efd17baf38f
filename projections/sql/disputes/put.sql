-- How disputes stand now; what is older than what is there changes nothing.
-- One array a column, in the order of the column list; no dispute stands there twice.
insert into payment_disputes{shadow} as known (
    integration_id, dispute_reference, payment_id, provider, sequence, state, provider_state, stage, amount_minor, currency,
    withdrawn_minor, withdrawn_currency, reason, provider_reason, opened_at, respond_by, is_over, observed_at, event_source,
    event_id)
select * from unnest(
    $1::text[], $2::text[], $3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[],
    $11::bigint[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::timestamptz[], $17::boolean[],
    $18::timestamptz[], $19::text[], $20::uuid[])
on conflict (integration_id, dispute_reference) do update set
    payment_id = excluded.payment_id,
    provider = excluded.provider,
    sequence = excluded.sequence,
    state = excluded.state,
    provider_state = excluded.provider_state,
    stage = excluded.stage,
    amount_minor = excluded.amount_minor,
    currency = excluded.currency,
    withdrawn_minor = excluded.withdrawn_minor,
    withdrawn_currency = excluded.withdrawn_currency,
    reason = excluded.reason,
    provider_reason = excluded.provider_reason,
    opened_at = excluded.opened_at,
    respond_by = excluded.respond_by,
    is_over = excluded.is_over,
    observed_at = excluded.observed_at,
    event_source = excluded.event_source,
    event_id = excluded.event_id
where known.sequence < excluded.sequence
