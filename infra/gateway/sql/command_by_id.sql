-- The command of this id ($1), if it came over HTTP.
select caller, command_id, command_type, key, integration_id, digest, received_at, published_at, partition, "offset"
from gateway.commands
where command_id = $1
