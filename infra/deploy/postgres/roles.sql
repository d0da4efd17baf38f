-- Roles without a login, for the accounts of processes to be members of. They are the whole server's, not one
-- database's. An account that may not create roles leaves that to the database's administrator.
--   kolaj_migrator   owns the tables and changes them
--   kolaj_agent      works on the ledger and the registry; sees no projection, since no decision may rest on one
--   kolaj_vault      alone sees cards, and changes credentials
--   kolaj_secrets    reads credentials and neither cards nor persons
--   kolaj_projector  writes the projections
--   kolaj_gateway    works on the HTTP edge's own tables, reads the registry and the projections
--   kolaj_reader     reads the projections
do $$
declare
    wanted text;
begin
    foreach wanted in array array['kolaj_migrator', 'kolaj_agent', 'kolaj_vault', 'kolaj_secrets', 'kolaj_projector',
        'kolaj_gateway', 'kolaj_reader'] loop
        begin
            if not exists (select from pg_roles where rolname = wanted) then
                execute format('create role %I nologin', wanted);
            end if;
        exception
            -- Another database's migration was faster, or we may not.
            when duplicate_object or unique_violation or insufficient_privilege then null;
        end;
    end loop;
end
$$;
