-- Commands that may have been sent, have no result, and whose own record is gone from the log: nobody will be handed them
-- again. A record of the same id with another body is another command, and will be rejected. One that lies parked in a
-- ledger that was restored is woken from there.
select i.command_id, min(i.key) as key, min(i.command_type) as command_type, count(distinct i.number)::int as attempts,
       min(i.intended_at) as first_sent_at,
       (array_agg(i.integration_id order by i."offset" desc))[1] as integration_id,
       array_agg(distinct i.reference) as references, array_agg(distinct i.integration_id) as integrations
from ledger_rebuild.intents i
where not exists (select from ledger_rebuild.results r where r.command_id = i.command_id)
  and not exists (select from ledger_rebuild.records c where c.command_id = i.command_id and c.digest = i.digest)
  and not exists (select from ledger.parked p where p.command_id = i.command_id and p.digest = i.digest)
group by i.command_id
order by 1
