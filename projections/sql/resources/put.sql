-- What results change in resources. What a result does not tell stays as it was; a refusal tells stage `new`, and what
-- waits for the buyer beside a resource neither ends nor settles what is there.
-- One array a column, in the order of the column list.
insert into payment_resources{shadow} as known (
    resource_id, kind, stage, integration_id, provider, provider_reference, create_reference, customer_reference, details,
    last_command_id, last_command_type, last_verdict, last_reason, last_detail, created_at, updated_at)
select * from unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::jsonb[],
    $10::uuid[], $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::timestamptz[])
on conflict (resource_id) do update set
    kind = excluded.kind,
    stage = case
        when excluded.stage = 'new' or (excluded.last_verdict = 'pending' and known.stage <> 'new') then known.stage
        else excluded.stage
    end,
    integration_id = coalesce(excluded.integration_id, known.integration_id),
    provider = coalesce(excluded.provider, known.provider),
    provider_reference = coalesce(excluded.provider_reference, known.provider_reference),
    create_reference = coalesce(known.create_reference, excluded.create_reference),
    customer_reference = coalesce(excluded.customer_reference, known.customer_reference),
    details = coalesce(excluded.details, known.details),
    last_command_id = excluded.last_command_id,
    last_command_type = excluded.last_command_type,
    last_verdict = excluded.last_verdict,
    last_reason = excluded.last_reason,
    last_detail = excluded.last_detail,
    updated_at = excluded.updated_at
