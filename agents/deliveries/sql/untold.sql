-- Endpoints that were disabled and of which the log does not tell; nobody else tells of them before this transaction ends.
select * from gateway.endpoint_disablings order by disabled_at limit $1 for update skip locked
