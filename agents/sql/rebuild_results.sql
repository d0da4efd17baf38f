-- The first result of each command, key by key, in the order of the log.
select key, kind, value from (
    select distinct on (command_id) key, kind, value, partition, "offset"
    from ledger_rebuild.results order by command_id, partition, "offset"
) as first
order by key, partition, "offset"
