-- Verification codes lie apart from their cards, so that each goes as soon as its authorisation has an answer. Unlogged, as
-- the cards are: no row ever reaches the write-ahead log, a replica or a base backup.
create unlogged table vault.card_codes (
    card_ref   uuid primary key references vault.cards on delete cascade,
    sealed     bytea not null,
    expires_at timestamptz not null
);
create index card_codes_expiry on vault.card_codes (expires_at);

-- Cards that older workers sealed hold their codes inside. They would live for minutes only; their commands end as
-- `card_expired`.
delete from vault.cards;
