-- A user's mapping. $1 integration, $2 user
select state::text as state from registry.user_mappings where integration_id = $1 and user_id = $2
