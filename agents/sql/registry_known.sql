-- Which of these are integrations that were not removed. $1 ids
select integration_id from registry.integrations where integration_id = any($1) and status <> 'removed'
