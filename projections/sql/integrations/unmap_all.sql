-- The users of removed integrations use them no more. $1 integrations, $2 revisions of the removals, $3 their times
update integration_user_mappings{shadow} known set
    external_user_id = null, metadata = null, revision = gone.revision, removed_at = gone.removed_at, created_at = null,
    updated_at = gone.removed_at
from unnest($1::text[], $2::bigint[], $3::timestamptz[]) as gone (integration_id, revision, removed_at)
where known.integration_id = gone.integration_id and known.revision < gone.revision and known.removed_at is null
