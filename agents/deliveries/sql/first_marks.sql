-- Where dispatching begins that never took place; another sender's beginning stands.
insert into gateway.dispatch_marks (partition, next_offset)
select * from unnest($1::integer[], $2::bigint[])
on conflict (partition) do nothing
