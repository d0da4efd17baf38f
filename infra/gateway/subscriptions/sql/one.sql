-- The owner's endpoint, or no row.
select * from gateway.endpoints where endpoint_id = $1 and owner = $2
