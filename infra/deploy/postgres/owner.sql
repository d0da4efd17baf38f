-- Hands this database and everything of the hub in it over to kolaj_migrator, and lets only the hub's roles in. For the
-- database's administrator, after roles.sql; `kolaj migrate --roles` runs both. It may be run again at any time.
do $$
declare
    thing record;
begin
    execute format('alter database %I owner to kolaj_migrator', current_database());
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to kolaj_migrator, kolaj_agent, kolaj_vault, kolaj_secrets, '
                   'kolaj_projector, kolaj_gateway, kolaj_reader', current_database());
    -- Before PostgreSQL 15 everybody could create tables there.
    revoke create on schema public from public;
    grant usage, create on schema public to kolaj_migrator;
    for thing in
        select nspname as name from pg_namespace where nspname in ('ledger', 'registry', 'vault', 'gateway')
    loop
        execute format('alter schema %I owner to kolaj_migrator', thing.name);
    end loop;
    for thing in
        select c.oid::regclass as name,
               case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end
                   as kind
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('public', 'ledger', 'registry', 'vault', 'gateway')
          and c.relkind in ('r', 'p', 'v', 'm', 'S')
          and c.relowner <> 'kolaj_migrator'::regrole
          -- What belongs to a table or an extension goes with it.
          and not exists (select from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i', 'e'))
    loop
        execute format('alter %s %s owner to kolaj_migrator', thing.kind, thing.name);
    end loop;
    for thing in
        select p.oid::regprocedure as name
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('public', 'ledger', 'registry', 'vault', 'gateway')
          and p.proowner <> 'kolaj_migrator'::regrole
          and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    loop
        execute format('alter routine %s owner to kolaj_migrator', thing.name);
    end loop;
end
$$;
