-- Puts users' mappings in their rows, those that are over too; an earlier state changes nothing.
-- $1 users, $2 integrations, $3 names at the provider, $4 metadata, $5 revisions, $6 ends, $7 and $8 times; no pair stands
-- twice in the batch.
insert into integration_user_mappings{shadow} as known (
    user_id, integration_id, external_user_id, metadata, revision, removed_at, created_at, updated_at)
select user_id, integration_id, external_user_id, metadata::jsonb, revision, removed_at, created_at, updated_at
from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[],
    $8::timestamptz[])
    as told (user_id, integration_id, external_user_id, metadata, revision, removed_at, created_at, updated_at)
on conflict (user_id, integration_id) do update set
    external_user_id = excluded.external_user_id,
    metadata = excluded.metadata,
    revision = excluded.revision,
    removed_at = excluded.removed_at,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at
where known.revision < excluded.revision
