-- Everything that lies parked, in no order.
select command_id, sealed, topic, partition, "offset", parked_at from ledger.parked
