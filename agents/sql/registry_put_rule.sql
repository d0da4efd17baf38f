-- A routing rule as it is from now on. $1 id, $2 revision, $3 state
insert into registry.routing_rules as known (rule_id, revision, state) values ($1, $2, $3::text::jsonb)
on conflict (rule_id) do update set revision = excluded.revision, state = excluded.state
    where known.revision < excluded.revision
