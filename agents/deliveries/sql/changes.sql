-- Counts the changes of endpoints.
select revision from gateway.endpoint_changes
