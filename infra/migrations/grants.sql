-- What each role needs and no more. Run after every migration, over all tables that there are by then, so that a table
-- which a migration adds is covered; a rebuild hands a table's grants on to its successor.
-- The versions of the tables may be read by whoever works on them, to see at the start that they are the right ones.
do $$
declare
    -- Facts that are added and never changed, and what only a migration writes.
    added_only constant text[] := array['integration_audit_logs', 'integration_metrics_seen', 'payment_transactions_seen',
        'payment_resources_seen', 'payment_dispute_history', 'integration_health_checks', 'dead_letters', 'projection_errors',
        'webhook_records'];
    read_only constant text[] := array['latency_buckets', 'projection_migrations'];
    found record;
begin
    if exists (select from pg_roles where rolname = 'kolaj_agent') then
        for found in select nspname as name from pg_namespace where nspname in ('ledger', 'registry') loop
            execute format('grant usage on schema %I to kolaj_agent', found.name);
            execute format('grant select, insert, update, delete on all tables in schema %I to kolaj_agent', found.name);
            execute format('grant usage on all sequences in schema %I to kolaj_agent', found.name);
        end loop;
        revoke insert, update, delete on ledger.migrations from kolaj_agent;
    end if;
    if exists (select from pg_roles where rolname = 'kolaj_vault') then
        if to_regnamespace('vault') is not null then
            grant usage on schema vault to kolaj_vault;
            grant select, insert, update, delete on all tables in schema vault to kolaj_vault;
            grant usage on all sequences in schema vault to kolaj_vault;
            -- An earlier version let agents open cards.
            if exists (select from pg_roles where rolname = 'kolaj_agent') then
                revoke all on all tables in schema vault from kolaj_agent;
                revoke all on schema vault from kolaj_agent;
            end if;
        end if;
        -- Keys of callers are kept by who keeps credentials.
        grant usage on schema gateway to kolaj_vault;
        grant select, insert, update on gateway.api_keys to kolaj_vault;
        grant select, update on gateway.api_key_changes to kolaj_vault;
        -- A card opens under its command's live claim alone, and goes, like its code, when that command has come to where
        -- nobody needs it any more. Both are looked up; what the command and its payment are about is not.
        grant usage on schema ledger to kolaj_vault;
        grant select (key, epoch, open_command, lease_until) on ledger.keys to kolaj_vault;
        grant select (command_id, key, state) on ledger.commands to kolaj_vault;
        grant select (command_id, state) on ledger.attempts to kolaj_vault;
    end if;
    if exists (select from pg_roles where rolname = 'kolaj_secrets') and to_regnamespace('vault') is not null then
        grant usage on schema vault to kolaj_secrets;
        grant select on vault.integration_credentials, vault.credential_change to kolaj_secrets;
    end if;
    if exists (select from pg_roles where rolname = 'kolaj_projector') then
        grant usage on schema public to kolaj_projector;
        for found in select tablename as name from pg_tables where schemaname = 'public' loop
            execute format('grant %s on public.%I to kolaj_projector',
                case when found.name = any (read_only) then 'select'
                     when found.name = any (added_only) then 'select, insert'
                     else 'select, insert, update' end, found.name);
        end loop;
    end if;
    if exists (select from pg_roles where rolname = 'kolaj_gateway') then
        grant usage on schema gateway, registry, public to kolaj_gateway;
        grant select, insert, update, delete on all tables in schema gateway to kolaj_gateway;
        grant usage on all sequences in schema gateway to kolaj_gateway;
        revoke insert, update, delete on gateway.migrations from kolaj_gateway;
        -- Whoever takes requests may not make keys to itself; it notes when they were used.
        revoke insert, update, delete on gateway.api_keys, gateway.api_key_changes from kolaj_gateway;
        grant update (last_used_at) on gateway.api_keys to kolaj_gateway;
        grant select on all tables in schema registry to kolaj_gateway;
        grant select on all tables in schema public to kolaj_gateway;
    end if;
    if exists (select from pg_roles where rolname = 'kolaj_reader') then
        grant usage on schema public to kolaj_reader;
        grant select on all tables in schema public to kolaj_reader;
    end if;
end
$$;
