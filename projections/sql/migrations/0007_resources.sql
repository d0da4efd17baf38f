-- What stands at providers beside payments: kept cards, products, plans, subscriptions, sub-merchants, links. One row for each, as
-- its results add up; `last_…` is of the last command about it.
create table payment_resources (
    id                 bigint generated always as identity primary key,
    resource_id        uuid not null unique,
    kind               text not null,
    stage              text not null check (stage in ('new', 'pending', 'active', 'ended', 'unsettled')),
    integration_id     text,
    provider           text,
    provider_reference text,
    create_reference   text,
    customer_reference text,
    details            jsonb,
    last_command_id    uuid not null,
    last_command_type  text not null,
    last_verdict       text not null,
    last_reason        text,
    last_detail        text,
    created_at         timestamptz not null,
    updated_at         timestamptz not null
);
create index on payment_resources (integration_id, provider_reference);
create index on payment_resources (updated_at);
-- Which results the rows hold already.
create table payment_resources_seen (
    event_source text not null,
    event_id     uuid not null,
    primary key (event_id, event_source)
);
