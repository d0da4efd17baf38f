-- Keys whose first command lies parked for a stopped integration that goes on again, or takes no commands any more, so that
-- it is to be refused. Each is handed out once.
-- $1 the reason that they were parked for, $2 at most so many
with free as (
    select p.key, p.position from ledger.parked p
    where p.reason = $1 and p.due_at > ledger.now() and p.integration_id is not null
      and (not exists (select from ledger.stops s where s.integration_id = p.integration_id)
           or exists (select from registry.integrations i
                      where i.integration_id = p.integration_id and i.status in ('disabled', 'removed')))
      and p.position = (select min(q.position) from ledger.parked q where q.key = p.key)
    order by p.position limit $2 for update skip locked
)
update ledger.parked p set due_at = ledger.now() from free f where p.key = f.key and p.position = f.position
returning p.key
