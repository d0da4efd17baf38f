-- Who wants what; those that are paused or disabled too, since their lanes note what they are behind with.
select endpoint_id, event_types from gateway.endpoints
