-- Let an integration go on; a stop by hand stays. $1 integration
delete from ledger.stops where integration_id = $1 and not by_hand
