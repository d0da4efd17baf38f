-- Accounts' secrets, each value sealed in an envelope of its own (agents/vault/envelope.py). Primary: not rebuilt from Kafka.
create table vault.integration_credentials (
    id             uuid primary key,
    integration_id text not null,
    field          text not null,
    -- All fields of one version are stored together, end together and are revoked together.
    version        int not null check (version >= 1),
    -- Erased once the version was revoked or its time is over.
    sealed         bytea,
    -- The master key that the value's data key is wrapped under; it stands in `sealed` too.
    key_id         text not null,
    created_at     timestamptz not null,
    created_by     text not null,
    live_from      timestamptz not null,
    live_until     timestamptz,
    revoked_at     timestamptz,
    revoked_by     text,
    -- What vault.credential_change stood at when the row was last changed.
    change         bigint not null,
    unique (integration_id, version, field)
);
create index credentials_key on vault.integration_credentials (key_id, id) where sealed is not null;
create index credentials_change on vault.integration_credentials (change);

-- One row: workers poll it to see that something changed, and writers of credentials take turns at it.
create table vault.credential_change (
    one    boolean primary key default true check (one),
    change bigint not null
);
insert into vault.credential_change (change) values (0);

-- The master keys that something may be sealed under. A process that lacks one of them does not start.
create table vault.master_keys (
    key_id     text primary key,
    first_seen timestamptz not null default now(),
    -- Since then nothing is under it any more, and it need not be given.
    retired_at timestamptz
);
