-- How far these partitions were dispatched.
select partition, next_offset from gateway.dispatch_marks where partition = any($1::integer[])
