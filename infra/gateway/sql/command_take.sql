-- A caller's ($1) key ($2) for a new command: its row, or none when the key stands for a command already.
insert into gateway.commands (caller, idempotency_key, command_id, command_type, key, integration_id, digest)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (caller, idempotency_key) do nothing
returning caller, command_id, command_type, key, integration_id, digest, received_at, published_at, partition, "offset"
