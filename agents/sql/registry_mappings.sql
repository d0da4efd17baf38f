-- The users of an integration. $1 its id
select state::text as state from registry.user_mappings where integration_id = $1 order by user_id
