-- There is something for these lanes between two offsets: those that follow do so no longer, and begin with the first.
update gateway.endpoint_lanes l
set following = false, position = greatest(l.position, w.first_offset)
from unnest($1::uuid[], $2::integer[], $3::bigint[], $4::bigint[]) as w (endpoint_id, partition, first_offset, last_offset)
where l.endpoint_id = w.endpoint_id and l.partition = w.partition and l.following and w.last_offset >= l.position
returning l.endpoint_id, l.partition
