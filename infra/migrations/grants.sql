-- What each role needs and no more. Run after every migration; a rebuild hands a table's grants on to its successor.
--   kolaj_agent      works on the ledger and opens cards; sees no projection, since no decision may rest on one
--   kolaj_projector  writes the projections; never sees the ledger. A rebuild exchanges tables and is run by their owner.
--   kolaj_reader     reads the projections
do $$
begin
    if exists (select from pg_roles where rolname = 'kolaj_agent') then
        grant usage on schema ledger to kolaj_agent;
        grant select, insert, update, delete on all tables in schema ledger to kolaj_agent;
        grant usage on all sequences in schema ledger to kolaj_agent;
        revoke insert, update, delete on ledger.migrations from kolaj_agent;
        grant usage on schema registry to kolaj_agent;
        grant select, insert, update, delete on all tables in schema registry to kolaj_agent;
        if to_regnamespace('vault') is not null then
            grant usage on schema vault to kolaj_agent;
            grant select, insert, update, delete on all tables in schema vault to kolaj_agent;
        end if;
    end if;
    if exists (select from pg_roles where rolname = 'kolaj_projector') then
        grant usage on schema public to kolaj_projector;
        grant select, insert on projection_positions, projection_errors, integration_audit_logs, integration_metrics,
            integration_metrics_seen, payment_transactions, payment_transactions_seen, integration_health_checks,
            integration_rate_limits, integration_configs, integration_user_mappings, routing_rules,
            integration_queue_jobs, dead_letters to kolaj_projector;
        grant update on projection_positions, integration_metrics, payment_transactions, integration_rate_limits,
            integration_configs, integration_user_mappings, routing_rules, integration_queue_jobs to kolaj_projector;
    end if;
    if exists (select from pg_roles where rolname = 'kolaj_reader') then
        grant usage on schema public to kolaj_reader;
        grant select on projection_positions, projection_errors, integration_audit_logs, integration_metrics,
            integration_latency, latency_buckets, payment_transactions, payment_totals, integration_health_checks,
            integration_health, integration_rate_limits, integration_limits, integration_configs, integration_status,
            integration_user_mappings, routing_rules, integration_queue_jobs, dead_letters to kolaj_reader;
    end if;
end
$$;
