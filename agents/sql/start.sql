-- Let an integration go on. $1 integration, $2 the moment of the stop that is meant: a later one stays.
delete from ledger.stops where integration_id = $1 and stopped_at = $2 returning integration_id
