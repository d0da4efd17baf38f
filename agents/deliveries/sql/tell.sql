-- An attempt that moves no lane.
insert into gateway.deliveries (endpoint_id, message_id, event_type, outcome, status, elapsed_ms)
values ($1, $2, $3, $4, $5, $6)
