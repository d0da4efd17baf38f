-- Providers' calls to us, what became of them, and counts of those that were refused: one row for each record of their topic,
-- never changed afterwards. The view `webhook_events` puts together what belongs to one event. No body is here: it lies sealed in
-- the topic, and its digest here.
create table webhook_records (
    id             bigint generated always as identity primary key,
    topic          text not null,
    partition      integer not null,
    "offset"       bigint not null,
    kind           text not null check (kind in ('received', 'handled', 'refused')),
    integration_id text not null,
    at             timestamptz not null,
    event_id       text,
    record_id      uuid,
    provider       text,
    event_type     text,
    said           text,
    our_reference  text,
    provider_reference text,
    secret_index   bigint,
    signed_at      timestamptz,
    body_digest    text,
    size_bytes     bigint,
    requeued       boolean not null,
    outcome        text,
    payment_id     uuid,
    command_id     uuid,
    detail         text,
    why            text,
    times          bigint not null,
    first_at       timestamptz,
    process        text,
    unique (topic, partition, "offset")
);
create index on webhook_records (integration_id, event_id);
create index on webhook_records (at);
create index on webhook_records (payment_id) where payment_id is not null;
