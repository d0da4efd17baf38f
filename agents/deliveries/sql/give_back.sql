-- The lane is nobody's again, to be gone on with at this offset.
update gateway.endpoint_lanes
set position = $4, lease_until = null
where endpoint_id = $1 and partition = $2 and epoch = $3
