-- Key $1 is followed by key $2, and ends at $3 unless it ended before.
update gateway.api_keys set replaced_by = $2, expires_at = least(expires_at, $3), revision = $4 where prefix = $1;
