-- Deadlines that have passed, the oldest first. Each is put off as it is handed out, so that of several workers one tells of it,
-- and another one later if that one dies.
-- $1 the worker's clock: its own must have come there too, $2 seconds until a deadline is handed out again, $3 at most so many
with passed as (
    select d.key from ledger.deadlines d
    -- Asked for once, so that the index ends the look: the clock may be another at each row.
    where d.at <= (select least(ledger.now(), $1)) order by d.at limit $3 for update skip locked
)
update ledger.deadlines d set at = ledger.now() + make_interval(secs => $2) from passed p where d.key = p.key
returning d.key, d.command_id
