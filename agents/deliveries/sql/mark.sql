-- These partitions are dispatched up to here; never back. It comes first in its transaction: see release.sql.
update gateway.dispatch_marks m
set next_offset = greatest(m.next_offset, w.next_offset)
from (select * from unnest($1::integer[], $2::bigint[]) as w (partition, next_offset) order by 1) w
where m.partition = w.partition
