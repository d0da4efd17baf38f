-- Changes what is not null; `integrations` where $6 says so. Who delivers looks again. Since when it is active moves with
-- the status alone.
with changed as (
    update gateway.endpoints
    set url = coalesce($3, url), event_types = coalesce($4, event_types),
        integrations = case when $6 then $5 else integrations end, description = coalesce($7, description),
        status = coalesce($8, status), status_why = case when $8 is null then status_why end,
        status_since = case when $8 is null or $8 = status then status_since else clock_timestamp() end,
        revision = revision + 1
    where endpoint_id = $1 and owner = $2
    returning *
), counted as (
    update gateway.endpoint_changes set revision = revision + 1 where exists (select from changed)
)
select * from changed
