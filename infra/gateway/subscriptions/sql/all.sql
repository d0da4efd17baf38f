-- The owner's endpoints, the oldest first.
select * from gateway.endpoints where owner = $1 order by created_at, endpoint_id
