-- How far these topics were compared with the ledger. $1 topics
select topic, partition, next_offset, record_id from ledger.log_marks where topic = any($1::text[])
