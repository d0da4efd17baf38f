-- Takes the one row that orders changes, for the rest of the transaction; the number of this change.
update gateway.api_key_changes set value = value + 1 returning value;
