-- Commands that wait: their offset is acknowledged, and they lie here in order of arrival, sealed, until they are woken.
-- A key with something parked takes no other command before it: `parked` counts them under the key's own lock.
alter table ledger.keys add column parked int not null default 0 check (parked >= 0);

create table ledger.parked (
    position       bigint generated always as identity,
    key            text not null references ledger.keys,
    command_id     uuid not null unique,
    digest         bytea not null,
    integration_id text,
    topic          text not null,
    partition      int not null,
    "offset"       bigint not null,
    sealed         bytea not null,
    reason         text not null,
    -- How often it was taken up in vain. An open breaker, throttling and a stopped integration do not count.
    tries          int not null,
    parked_at      timestamptz not null,
    due_at         timestamptz not null,
    -- Set by an operator: it is not to be performed any more, if nothing was sent.
    withdrawn      text,
    primary key (key, position)
);
create index parked_due on ledger.parked (due_at);
create index parked_integration on ledger.parked (integration_id);

-- The smallest UUIDv7 that is still known. What is older was pruned, so that an older id is refused, not performed.
alter table ledger.incarnation add column pruned_below uuid;

-- Integrations that an operator has stopped: nothing is sent to them, from the moment the row is there.
create table ledger.stops (
    integration_id text primary key,
    stopped_by     text not null,
    why            text not null,
    stopped_at     timestamptz not null
);

-- Workers of the version before know nothing of parking, and would let a later command overtake a parked one. In a ledger of
-- another incarnation they can do nothing, and stop.
update ledger.incarnation set id = gen_random_uuid();
