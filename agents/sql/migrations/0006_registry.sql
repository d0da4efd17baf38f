-- The registry: which accounts at which providers there are, who uses them, and how commands are routed to them.
-- A primary store of the agents. Each change is a command's, and its result is the event that carries the whole state.
create schema if not exists registry;

-- Counts the changes. Whoever changes anything holds this row, so that changes have one order; watchers look at it alone.
create table registry.revision (
    only_one boolean primary key default true check (only_one),
    value    bigint not null
);
insert into registry.revision (value) values (0);

-- `state` is the event's own words. A removed integration keeps its row: its id stays in payments.
create table registry.integrations (
    integration_id text primary key,
    status         text not null check (status in ('active', 'paused', 'disabled', 'removed')),
    revision       bigint not null,
    state          jsonb not null
);

create table registry.user_mappings (
    integration_id text not null,
    user_id        text not null,
    revision       bigint not null,
    state          jsonb not null,
    primary key (integration_id, user_id)
);

create table registry.routing_rules (
    rule_id  text primary key,
    revision bigint not null,
    state    jsonb not null
);

-- The one result of each command, word for word, ready to be published again. An empty digest stands for one that is not
-- known, after the registry was made anew from its events.
create table registry.changes (
    command_id uuid primary key,
    source     text not null,
    digest     bytea not null,
    headers    jsonb not null,
    value      bytea not null,
    decided_at timestamptz not null default clock_timestamp()
);

-- A stop that an operator set by hand, and one that belongs to a paused integration, share the one row that every send
-- looks at. The hand's stays when the integration is resumed.
alter table ledger.stops add column by_hand boolean not null default true;
