-- The endpoint's lanes are tried at once, as if nothing had failed, from where they stand.
update gateway.endpoint_lanes
set failures = 0, failing_since = null, retry_at = null
where endpoint_id = $1
