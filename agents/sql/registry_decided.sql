-- The result of a command that was decided before. $1 command id
select digest, headers::text as headers, value from registry.changes where command_id = $1
