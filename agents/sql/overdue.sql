-- Keys whose first parked command should have been woken long ago: its wake record was lost with a topic or a crash.
-- Each is handed out once, then not before the same grace has gone by again.
-- $1 seconds of grace, $2 at most so many
with late as (
    select p.key, p.position from ledger.parked p
    where p.due_at < ledger.now() - make_interval(secs => $1)
      and p.position = (select min(q.position) from ledger.parked q where q.key = p.key)
    order by p.due_at limit $2 for update skip locked
)
update ledger.parked p set due_at = ledger.now() from late l where p.key = l.key and p.position = l.position
returning p.key
