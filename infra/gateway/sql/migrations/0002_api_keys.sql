-- The keys of callers over HTTP. Of a secret only its digest is kept: 256 random bits cannot be searched through.

-- Counts the changes. Whoever changes a key holds this row, so that changes have one order; processes look at it alone.
create table gateway.api_key_changes (
    only_one boolean primary key default true check (only_one),
    value    bigint not null
);
insert into gateway.api_key_changes (value) values (0);

-- `caller` is the prefix of the first key of a line: rotation keeps it, so that a caller stays who he is.
-- `integrations` that is null stands for all of them, `rate` that is null for the setting.
create table gateway.api_keys (
    prefix       text primary key,
    caller       text not null,
    name         text not null,
    source       text not null,
    scopes       text[] not null,
    integrations text[],
    rate         text,
    digest       bytea not null,
    created_at   timestamptz not null,
    created_by   text not null,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    revoked_by   text,
    replaced_by  text references gateway.api_keys,
    last_used_at timestamptz,
    revision     bigint not null
);
create index api_keys_revision on gateway.api_keys (revision);
