-- How far each process has used each operation's rate limit, by its latest report.
create table integration_rate_limits (
    id             bigint generated always as identity primary key,
    integration_id text not null,
    operation      text not null,
    process        text not null,
    provider       text not null,
    limit_calls    bigint,
    window_ms      bigint,
    per_s          numeric generated always as (window_ms / 1000.0) stored,
    allowed        bigint,
    used           bigint not null,
    throttled      bigint not null,
    turned_away    bigint not null,
    shared         boolean not null,
    closed_until   timestamptz,
    resets_at      timestamptz,
    event_source   text not null,
    event_id       uuid not null,
    reported_at    timestamptz not null,
    unique (integration_id, operation, process)
);
