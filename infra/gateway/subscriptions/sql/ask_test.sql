-- A sender is to send one test; one that is asked for already stands. No row: it is not the owner's.
with asked as (
    insert into gateway.endpoint_tests (endpoint_id, message_id)
    select endpoint_id, $3 from gateway.endpoints where endpoint_id = $1 and owner = $2
    on conflict (endpoint_id) do update set message_id = gateway.endpoint_tests.message_id
    returning message_id
)
select message_id from asked
