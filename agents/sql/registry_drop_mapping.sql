-- A user uses an integration no more. $1 integration, $2 user, $3 revision
delete from registry.user_mappings where integration_id = $1 and user_id = $2 and revision < $3
