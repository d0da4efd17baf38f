-- Roles without a login, for the accounts of processes to be members of. They are the whole server's, not one
-- database's. An account that may not create roles leaves that to the database's administrator.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['kolaj_projector', 'kolaj_agent', 'kolaj_reader'] loop
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
