-- Puts integrations in their rows; an earlier state, or the same again, changes nothing.
-- $1 ids, $2 kinds, $3 providers, $4 versions, $5 names, $6 statuses, $7 environments, $8 owners, $9 revisions,
-- $10 settings, $11 who and by which command, $12 and $13 times; no id stands twice in the batch.
insert into integration_configs{shadow} as known (
    integration_id, integration_type, provider, version, name, status, environment, owner, revision, config, metadata,
    created_at, updated_at)
select integration_id, integration_type, provider, version, name, status, environment, owner, revision, config::jsonb,
       metadata::jsonb, created_at, updated_at
from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
    $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[])
    as told (integration_id, integration_type, provider, version, name, status, environment, owner, revision, config,
             metadata, created_at, updated_at)
on conflict (integration_id) do update set
    integration_type = excluded.integration_type,
    provider = excluded.provider,
    version = excluded.version,
    name = excluded.name,
    status = excluded.status,
    environment = excluded.environment,
    owner = excluded.owner,
    revision = excluded.revision,
    config = excluded.config,
    metadata = excluded.metadata,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at
where known.revision < excluded.revision
