-- Let go of keys without concluding: the command stays open, and whoever is handed it next may take it at once.
-- $1 keys, $2 epochs
with ask as (select * from unnest($1::text[], $2::bigint[]) as a(key, epoch)),
fenced as (
    select k.key from ledger.keys k join ask a using (key) where k.epoch = a.epoch and k.key = any($1) order by k.key for update of k
)
update ledger.keys k
    set lease_until = ledger.now(), owner = null,
        open_command = case when exists (select from ledger.commands c
                                         where c.command_id = k.open_command and c.state = 'concluded')
                       then null else k.open_command end
    from fenced f where k.key = f.key and k.key = any($1)
    returning k.key
