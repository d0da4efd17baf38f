-- The number of the last change of any key.
select value from gateway.api_key_changes;
