-- An integration as it stands. $1 its id
select state::text as state from registry.integrations where integration_id = $1
