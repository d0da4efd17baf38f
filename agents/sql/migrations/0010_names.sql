-- How a provider calls a payment, together with the account: 'iyzico-main/22416032'. Null while it is not known. For its calls to
-- us that do not carry our own reference.
create function ledger.provider_name(state bytea) returns text
    language sql immutable parallel safe
    as $$
        select (s.told ->> 'integration_id') || '/' || (s.told ->> 'provider_reference')
        from (select convert_from(state, 'UTF8')::jsonb as told) as s
    $$;
create index keys_provider_name on ledger.keys (ledger.provider_name(state)) where state is not null;
