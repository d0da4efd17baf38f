-- The first record of each partition of the command topic that has neither a result nor a rejection.
select c.partition, min(c."offset") as "offset"
from ledger_rebuild.records c
where not exists (select from ledger_rebuild.results r where r.command_id = c.command_id)
  and not exists (select from ledger_rebuild.rejections j where j.partition = c.partition and j."offset" = c."offset")
group by c.partition
