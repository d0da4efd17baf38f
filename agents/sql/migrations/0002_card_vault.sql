-- Cards that wait for minutes. Unlogged: the rows never reach the write-ahead log, a replica or a base backup; a crash
-- empties the table, and the commands that named a card then end as `card_expired`.
create schema if not exists vault;
create unlogged table vault.cards (
    card_ref   uuid primary key,
    sealed     bytea not null,
    expires_at timestamptz not null,
    opened_by  uuid
);
create index cards_expiry on vault.cards (expires_at);
