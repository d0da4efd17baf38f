-- Store parked records that were rewrapped; one that was taken up or parked anew meanwhile is left alone.
-- $1 command ids, $2 records as they were, $3 as they are now
update ledger.parked p set sealed = n.now
from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as n(command_id, was, now)
where p.command_id = n.command_id and p.sealed = n.was
