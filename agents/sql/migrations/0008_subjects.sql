-- Keys of data subjects, each sealed in an envelope of its own (agents/vault/envelope.py). Primary: not rebuilt from Kafka.
-- An erased subject keeps its row, so that what is sealed under its key is known to be erased and not lost.
create table vault.subjects (
    subject    uuid primary key,
    -- Keyed hash of the publisher and its buyer_id: the table does not show who it is.
    lookup     bytea,
    sealed_key bytea,
    -- The master key that the subject's key is wrapped under; it stands in `sealed_key` too.
    key_id     text,
    created_at timestamptz not null,
    erased_at  timestamptz,
    check ((erased_at is null) = (sealed_key is not null)),
    check ((sealed_key is null) = (lookup is null)),
    check ((sealed_key is null) = (key_id is null))
);
create unique index subjects_lookup on vault.subjects (lookup) where lookup is not null;
create index subjects_key on vault.subjects (key_id, subject) where sealed_key is not null;

-- One row: the key of the lookups, sealed, and how many subjects were erased; workers poll the number, to drop their keys.
create table vault.subject_state (
    only_one      boolean primary key default true check (only_one),
    sealed_lookup bytea not null,
    key_id        text not null,
    erasures      bigint not null default 0
);
