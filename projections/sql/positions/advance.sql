-- Moves positions, which the transaction has locked. $1 projections, $2 topics, $3 partitions, $4 next offsets
update projection_positions as stored
set next_offset = moved.next_offset
from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[])
    as moved (projection, topic, partition, next_offset)
where (stored.projection, stored.topic, stored.partition) = (moved.projection, moved.topic, moved.partition)
