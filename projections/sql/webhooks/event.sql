-- One event of an account: $1 integration, $2 event
select * from webhook_events where integration_id = $1 and event_id = $2
