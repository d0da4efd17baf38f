-- A user's mapping as it is from now on. $1 integration, $2 user, $3 revision, $4 state
insert into registry.user_mappings as known (integration_id, user_id, revision, state)
values ($1, $2, $3, $4::text::jsonb)
on conflict (integration_id, user_id) do update set revision = excluded.revision, state = excluded.state
    where known.revision < excluded.revision
