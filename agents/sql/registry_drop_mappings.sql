-- A removed integration has no users. $1 its id
delete from registry.user_mappings where integration_id = $1
