-- The registry as people query it. `revision` counts the changes of the whole registry: only a later one replaces a row.

-- One row for each account at a provider, the removed ones too: payments go on naming them.
create table integration_configs (
    id               bigint generated always as identity primary key,
    integration_id   text not null unique,
    integration_type text not null,
    provider         text not null,
    version          text not null,
    name             text not null,
    status           text not null check (status in ('active', 'paused', 'disabled', 'removed')),
    environment      text not null,
    owner            text,
    revision         bigint not null,
    config           jsonb not null,
    metadata         jsonb not null,
    created_at       timestamptz not null,
    updated_at       timestamptz not null
);
create index on integration_configs (integration_type);
create index on integration_configs (provider);
create index on integration_configs (status);
create index on integration_configs (owner);

-- Which user, seller or store uses which account, and its name there. No token is in it. With `removed_at` it is over.
create table integration_user_mappings (
    id               bigint generated always as identity primary key,
    user_id          text not null,
    integration_id   text not null,
    external_user_id text,
    metadata         jsonb,
    revision         bigint not null,
    removed_at       timestamptz,
    created_at       timestamptz,
    updated_at       timestamptz not null,
    unique (user_id, integration_id)
);
create index on integration_user_mappings (integration_id, external_user_id);

-- How commands are routed that name no integration. With `removed_at` a rule holds no more.
create table routing_rules (
    id         bigint generated always as identity primary key,
    rule_id    text not null unique,
    capability text,
    priority   bigint,
    rule       jsonb,
    revision   bigint not null,
    removed_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz not null
);
