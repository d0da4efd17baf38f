-- Commands that came over HTTP: which command a caller's Idempotency-Key stands for. A row is written before its command
-- is published, so that a repetition after a crash publishes the same command and never a second one.
create table gateway.commands (
    caller          text not null,
    idempotency_key text not null,
    command_id      uuid not null unique,
    command_type    text not null,
    key             text not null,
    integration_id  text,
    digest          bytea not null,
    received_at     timestamptz not null default now(),
    published_at    timestamptz,
    primary key (caller, idempotency_key)
);
