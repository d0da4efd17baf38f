-- Writes outcomes that came late into columns of their own. Of several for one command the first stands, unless it said
-- less than "accepted" and a later one says that. What the result says about who performed it is not touched.
-- One array a column, in the order of the column list.
insert into payment_transactions{shadow} as known (
    transaction_id, payment_id, integration_id, provider, provider_reference, our_reference, late_verdict, late_minor,
    late_currency, late_event_id, late_at)
select * from unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[],
    $10::uuid[], $11::timestamptz[])
on conflict (transaction_id) do update set
    integration_id = coalesce(known.integration_id, excluded.integration_id),
    provider = coalesce(known.provider, excluded.provider),
    provider_reference = coalesce(known.provider_reference, excluded.provider_reference),
    our_reference = coalesce(known.our_reference, excluded.our_reference),
    late_verdict = excluded.late_verdict,
    late_minor = excluded.late_minor,
    late_currency = excluded.late_currency,
    late_event_id = excluded.late_event_id,
    late_at = excluded.late_at
where known.late_event_id is null or (known.late_verdict <> 'accepted' and excluded.late_verdict = 'accepted')
