-- Gives a position to each spot that has none; a position that stands is left alone.
-- $1 projections, $2 topics, $3 partitions, $4 offsets
insert into projection_positions (projection, topic, partition, next_offset)
select * from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[])
on conflict do nothing
