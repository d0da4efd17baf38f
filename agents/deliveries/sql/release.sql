-- The lane follows from here on ($4), if it has come as far as its partition was dispatched. The mark is locked first, as
-- whoever dispatches does: what is dispatched after this finds the lane following, and what was before is behind it.
-- One row: whether it follows now, and the mark. No row: it is not ours any more, or nothing was dispatched yet.
with mark as (
    select next_offset from gateway.dispatch_marks where partition = $2 for share
)
update gateway.endpoint_lanes l
set position = $4,
    following = $4 >= (select next_offset from mark),
    lease_until = case when $4 >= (select next_offset from mark) then null
                       else clock_timestamp() + make_interval(secs => $5) end
where l.endpoint_id = $1 and l.partition = $2 and l.epoch = $3 and exists (select from mark)
returning l.following, (select next_offset from mark) as mark
