-- Puts routing rules in their rows, those that hold no more too; an earlier state changes nothing.
-- $1 ids, $2 capabilities, $3 priorities, $4 rules, $5 revisions, $6 ends, $7 and $8 times; no id stands twice in the batch.
insert into routing_rules{shadow} as known (
    rule_id, capability, priority, rule, revision, removed_at, created_at, updated_at)
select rule_id, capability, priority, rule::jsonb, revision, removed_at, created_at, updated_at
from unnest(
    $1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[],
    $8::timestamptz[])
    as told (rule_id, capability, priority, rule, revision, removed_at, created_at, updated_at)
on conflict (rule_id) do update set
    capability = excluded.capability,
    priority = excluded.priority,
    rule = excluded.rule,
    revision = excluded.revision,
    removed_at = excluded.removed_at,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at
where known.revision < excluded.revision
