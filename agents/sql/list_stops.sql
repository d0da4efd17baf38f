-- Who stopped which integration, when and why, and how many commands lie parked for it. The longest first.
select s.integration_id, s.stopped_by, s.why, s.stopped_at, s.by_hand,
       (select count(*) from ledger.parked p where p.integration_id = s.integration_id) as waiting
from ledger.stops s order by s.stopped_at
