-- Writes results. The first result of a command stands; a row that a late outcome opened gets its result here.
-- One array a column, in the order of the column list.
insert into payment_transactions{shadow} as known (
    transaction_id, payment_id, integration_id, provider, kind, order_id, payment_method, line_id, instalments,
    price_minor, result_minor, result_currency, provider_fee_minor, provider_fee_currency, verdict, effect, reason,
    error_message, provider_code, provider_reference, our_reference, gateway_response, event_source, event_id,
    result_offset, concluded_at, subject_id, payer, held_until)
select * from unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
    $10::bigint[], $11::bigint[], $12::text[], $13::bigint[], $14::text[], $15::text[], $16::text[], $17::text[],
    $18::text[], $19::text[], $20::text[], $21::text[], $22::jsonb[], $23::text[], $24::uuid[],
    $25::bigint[], $26::timestamptz[], $27::uuid[], $28::text[], $29::timestamptz[])
on conflict (transaction_id) do update set
    payment_id = excluded.payment_id,
    integration_id = coalesce(excluded.integration_id, known.integration_id),
    provider = coalesce(excluded.provider, known.provider),
    kind = excluded.kind,
    order_id = excluded.order_id,
    payment_method = excluded.payment_method,
    line_id = excluded.line_id,
    instalments = excluded.instalments,
    price_minor = excluded.price_minor,
    result_minor = excluded.result_minor,
    result_currency = excluded.result_currency,
    provider_fee_minor = excluded.provider_fee_minor,
    provider_fee_currency = excluded.provider_fee_currency,
    verdict = excluded.verdict,
    effect = excluded.effect,
    reason = excluded.reason,
    error_message = excluded.error_message,
    provider_code = excluded.provider_code,
    provider_reference = coalesce(excluded.provider_reference, known.provider_reference),
    our_reference = coalesce(excluded.our_reference, known.our_reference),
    gateway_response = excluded.gateway_response,
    event_source = excluded.event_source,
    event_id = excluded.event_id,
    result_offset = excluded.result_offset,
    concluded_at = excluded.concluded_at,
    subject_id = excluded.subject_id,
    payer = excluded.payer,
    held_until = excluded.held_until
where known.event_id is null
