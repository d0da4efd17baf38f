-- An integration as it is from now on. $1 id, $2 status, $3 revision, $4 state
insert into registry.integrations as known (integration_id, status, revision, state) values ($1, $2, $3, $4::text::jsonb)
on conflict (integration_id) do update
    set status = excluded.status, revision = excluded.revision, state = excluded.state
    where known.revision < excluded.revision
