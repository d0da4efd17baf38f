-- Set up the workshop of a rebuild, and make this another ledger: whoever worked on it can write nothing from here on, and
-- no worker starts while the workshop stands. What an earlier rebuild left unfinished is thrown away.
drop schema if exists ledger_rebuild cascade;
create schema ledger_rebuild;
create unlogged table ledger_rebuild.intents (
    command_id     uuid not null,
    number         int not null,
    key            text not null,
    command_type   text not null,
    digest         bytea not null,
    epoch          bigint not null,
    integration_id text not null,
    reference      text not null,
    request_digest text not null,
    intended_at    timestamptz not null,
    routed         text,
    partition      int not null,
    "offset"       bigint not null
);
create unlogged table ledger_rebuild.results (
    command_id   uuid not null,
    key          text not null,
    command_type text not null,
    concluded_at timestamptz not null,
    value        bytea not null,
    headers      text not null,
    kind         text not null,
    partition    int not null,
    "offset"     bigint not null
);
create unlogged table ledger_rebuild.rejections (partition int not null, "offset" bigint not null);
create unlogged table ledger_rebuild.records (
    command_id uuid not null,
    key        text not null,
    digest     bytea not null,
    partition  int not null,
    "offset"   bigint not null
);
create unlogged table ledger_rebuild.states (key text not null, state bytea not null);
create unlogged table ledger_rebuild.deadlines (key text not null, command_id uuid not null, at timestamptz not null);
insert into ledger.incarnation default values on conflict do nothing;
update ledger.incarnation set id = gen_random_uuid();
