-- Disputes of payments, each as its provider told of it last: `sequence` counts what was told of the payment's disputes, and the
-- higher one is the newer. `withdrawn_minor` is what has been taken from the account and not been given back, fees apart.
create table payment_disputes (
    integration_id     text not null,
    dispute_reference  text not null,
    payment_id         uuid not null,
    provider           text not null,
    sequence           bigint not null,
    state              text not null check (state in ('open', 'needs_response', 'awaiting_payer', 'under_review', 'won', 'lost',
                                                      'prevented', 'withdrawn', 'closed')),
    provider_state     text not null,
    stage              text check (stage in ('inquiry', 'chargeback', 'pre_arbitration', 'arbitration')),
    amount_minor       bigint not null,
    currency           text not null,
    withdrawn_minor    bigint not null,
    withdrawn_currency text not null,
    reason             text not null,
    provider_reason    text,
    opened_at          timestamptz,
    respond_by         timestamptz,
    is_over            boolean not null,
    observed_at        timestamptz not null,
    event_source       text not null,
    event_id           uuid not null,
    primary key (integration_id, dispute_reference)
);
create index on payment_disputes (payment_id);
create index on payment_disputes (respond_by) where not is_over;
-- All that was told of them, one row for each event.
create table payment_dispute_history (
    event_source       text not null,
    event_id           uuid not null,
    integration_id     text not null,
    dispute_reference  text not null,
    payment_id         uuid not null,
    sequence           bigint not null,
    change             text not null check (change in ('opened', 'changed', 'closed')),
    state              text not null,
    provider_state     text not null,
    stage              text,
    amount_minor       bigint not null,
    currency           text not null,
    withdrawn_minor    bigint not null,
    withdrawn_currency text not null,
    respond_by         timestamptz,
    observed_at        timestamptz not null,
    command_id         uuid not null,
    primary key (event_id, event_source)
);
create index on payment_dispute_history (integration_id, dispute_reference);
