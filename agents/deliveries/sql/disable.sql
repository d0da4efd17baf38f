-- Nothing more is sent to this endpoint before its owner enables it; it goes on where it stands. Once for each time that
-- it was made active ($2). Whoever looks tells the log.
with changed as (
    update gateway.endpoints
    set status = 'disabled', status_why = $4, status_since = clock_timestamp(), revision = revision + 1
    where endpoint_id = $1 and status = 'active' and status_since = $2
    returning *
), noted as (
    insert into gateway.endpoint_disablings (endpoint_id, owner, url, why, detail, failures, disabled_at)
    select endpoint_id, owner, url, $3, $4, $5, status_since from changed
), counted as (
    update gateway.endpoint_changes set revision = revision + 1 where exists (select from changed)
)
select endpoint_id from changed
