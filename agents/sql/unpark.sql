-- Take a parked command away: its result is in the log, or it was refused as a record. $1 key, $2 command id
with locked as (
    select key from ledger.keys where key = $1 for update
),
gone as (
    delete from ledger.parked p using locked l where p.key = l.key and p.command_id = $2 returning p.key
)
update ledger.keys k set parked = k.parked - 1 from gone where k.key = gone.key returning k.key
