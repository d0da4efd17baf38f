-- The command that a caller's ($1) key ($2) stands for.
select caller, command_id, command_type, key, integration_id, digest, received_at, published_at, partition, "offset"
from gateway.commands
where caller = $1 and idempotency_key = $2
