-- Outgoing webhooks: who wants which events where, how far each endpoint has come in the log, and what was tried last.
create table gateway.endpoints (
    endpoint_id  uuid primary key,
    owner        text not null,                          -- the caller that made it
    url          text not null,
    event_types  text[] not null,                        -- exact names, or `payments.*`
    integrations text[],                                 -- null: all of them
    description  text,
    status       text not null check (status in ('active', 'paused', 'disabled')),
    status_why   text,                                   -- why it is disabled
    status_since timestamptz not null default now(),
    revision     bigint not null default 1,              -- counts its changes; whoever delivers looks again after one
    created_at   timestamptz not null default now()
);
create index endpoints_owner on gateway.endpoints (owner, created_at);

-- Sealed under the hub's master key. Several are live while one is being replaced.
create table gateway.endpoint_secrets (
    secret_id   uuid primary key,
    endpoint_id uuid not null references gateway.endpoints on delete cascade,
    sealed      bytea not null,
    created_at  timestamptz not null default now(),
    ends_at     timestamptz                              -- null: it is the present one
);
create index endpoint_secrets_endpoint on gateway.endpoint_secrets (endpoint_id);

-- A lane: one endpoint's place in one partition of the log. A lane that follows has nothing to do before whoever
-- dispatches that partition finds something for it; no copy of an event is kept anywhere.
create table gateway.endpoint_lanes (
    endpoint_id   uuid not null references gateway.endpoints on delete cascade,
    partition     integer not null,
    position      bigint not null default 0,             -- the offset to go on with, and never before
    following     boolean not null default false,
    replay_from   timestamptz,                           -- the moment to begin with, in place of `position`
    epoch         bigint not null default 0,             -- counts the claims; an older one changes nothing any more
    lease_until   timestamptz,                           -- a sender works on it
    failures      integer not null default 0,            -- in a row
    failing_since timestamptz,
    retry_at      timestamptz,
    primary key (endpoint_id, partition)
);
create index endpoint_lanes_behind on gateway.endpoint_lanes (endpoint_id, partition) where not following;

-- How far each partition was dispatched.
create table gateway.dispatch_marks (
    partition   integer primary key,
    next_offset bigint not null
);

-- Counts all changes of endpoints, so that who dispatches sees in one look whether what it knows still holds.
create table gateway.endpoint_changes (
    only_row boolean primary key default true check (only_row),
    revision bigint not null default 0
);
insert into gateway.endpoint_changes default values;

-- Asked for by owners, sent once by whichever sender takes it.
create table gateway.endpoint_tests (
    endpoint_id uuid primary key references gateway.endpoints on delete cascade,
    message_id  text not null,
    asked_at    timestamptz not null default now()
);

-- Endpoints that were disabled and of which the log does not tell yet.
create table gateway.endpoint_disablings (
    endpoint_id uuid not null,
    owner       text not null,
    url         text not null,
    why         text not null,
    detail      text not null,
    failures    integer not null,
    disabled_at timestamptz not null,
    primary key (endpoint_id, disabled_at)
);

-- The last attempts of each endpoint, for its owner to look at.
create table gateway.deliveries (
    attempt_id  bigint generated always as identity primary key,
    endpoint_id uuid not null,
    message_id  text not null,
    event_type  text not null,
    attempted_at timestamptz not null default clock_timestamp(),
    outcome     text not null,                           -- `delivered`, or one word for what went wrong
    status      integer,                                 -- of the answer, where there was one
    elapsed_ms  integer not null
);
create index deliveries_endpoint on gateway.deliveries (endpoint_id, attempt_id desc);
