-- The endpoint, its secrets and its place in the log are gone.
with gone as (
    delete from gateway.endpoints where endpoint_id = $1 and owner = $2 returning endpoint_id
), counted as (
    update gateway.endpoint_changes set revision = revision + 1 where exists (select from gone)
)
select endpoint_id from gone
