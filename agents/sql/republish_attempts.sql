-- What was sent and the log does not tell, in the order in which it was.
select s.command_id, c.command_type, c.digest, c.key, s.number, s.integration_id, s.reference, s.request_digest, s.epoch,
       s.sent_at, s.routed
from ledger.attempts s join ledger.commands c using (command_id)
where not exists (select from logged l where l.command_id = s.command_id and l.number = s.number)
order by s.sent_at, s.command_id, s.number
