-- The positions of projections ($1) at topics ($2) and partitions ($3), as committed.
select projection, topic, partition, next_offset
from projection_positions
where projection = any ($1::text[])
  and (topic, partition) in (select * from unnest($2::text[], $3::integer[]))
