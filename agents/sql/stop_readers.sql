-- Transactions of others that look, or have looked, at the stops: one that began before a stop may still mark without it.
select virtualtransaction from pg_locks
where relation = 'ledger.stops'::regclass and granted and pid <> pg_backend_pid()
  and database = (select oid from pg_database where datname = current_database())
