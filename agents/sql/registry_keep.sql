-- Keep a command's result. $1 command id, $2 source, $3 digest, $4 headers as JSON, $5 value
insert into registry.changes (command_id, source, digest, headers, value) values ($1, $2, $3, $4::text::jsonb, $5)
