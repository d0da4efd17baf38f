-- Until when a key waits for somebody outside: a payment for its payer. One row a key, set with the result of the command that
-- began the waiting and taken away by whatever ends it, or once it was told that the moment has come.
-- A worker of the version before sets none, and takes none away; one that is told for nothing does no harm.
create table ledger.deadlines (
    key        text primary key,
    command_id uuid not null,
    at         timestamptz not null
);
create index deadlines_at on ledger.deadlines (at);
