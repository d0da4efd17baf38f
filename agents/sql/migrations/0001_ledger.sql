-- The ledger: who may act on a key, what became of each command, what was sent for it.
-- It is a primary store of the agents; nobody else writes here, and no projection is read for a decision.
create schema if not exists ledger;

-- The one clock that leases are judged by. A function, so that a test can step it.
create or replace function ledger.now() returns timestamptz
    language sql volatile as 'select clock_timestamp()';

-- Which ledger this is. A rebuild or a restore from a dump writes a new id; every claim names the id it believes in.
create table ledger.incarnation (
    only_one    boolean primary key default true check (only_one),
    id          uuid not null default gen_random_uuid(),
    environment text,
    topic_prefix text,
    created_at  timestamptz not null default clock_timestamp()
);
insert into ledger.incarnation default values;

-- One row a key (such as 'payments/<payment_id>'): the fence. At most one command of a key is open at a time, and each
-- time somebody takes the key its epoch rises, so that whoever held it before can write nothing any more.
create table ledger.keys (
    key          text primary key,
    epoch        bigint not null,
    open_command uuid,
    owner        uuid,
    lease_until  timestamptz,
    state        bytea
) with (fillfactor = 70);

-- One row a command. `claimed`: nothing has left us. `sending`: it may have. `concluded`: the result stands here word for
-- word, ready to be published again.
create table ledger.commands (
    command_id    uuid primary key,
    key           text not null,
    command_type  text not null,
    digest        bytea not null,
    state         text not null check (state in ('claimed', 'sending', 'concluded')),
    claimed_at    timestamptz not null,
    first_sent_at timestamptz,
    concluded_at  timestamptz,
    result_value  bytea,
    result_headers jsonb,
    check ((state = 'concluded') = (result_value is not null))
) with (fillfactor = 60);
create index commands_key on ledger.commands (key);

-- One row for each try at a provider. `sending` is written before the bytes leave; it goes back to `not_sent` only when
-- nothing certainly was performed.
create table ledger.attempts (
    command_id     uuid not null references ledger.commands on delete cascade,
    number         int not null check (number >= 1),
    epoch          bigint not null,
    integration_id text not null,
    reference      text not null,
    request_digest text not null,
    state          text not null check (state in ('sending', 'not_sent')),
    sent_at        timestamptz not null,
    primary key (command_id, number)
) with (fillfactor = 70);
create unique index attempts_reference on ledger.attempts (integration_id, reference);
