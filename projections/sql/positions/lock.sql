-- The positions of projections ($1) at topics ($2) and partitions ($3), locked in one order until the transaction ends.
-- The lock is the fence: who holds it knows the true position, and who comes later sees what was written under it.
select projection, topic, partition, next_offset
from projection_positions
where projection = any ($1::text[])
  and (topic, partition) in (select * from unnest($2::text[], $3::integer[]))
order by projection, topic, partition
for update
