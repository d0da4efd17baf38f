-- Take attempts back: certainly nothing was performed. The command is `claimed` again when no other attempt may have been.
-- An attempt that was marked under an earlier epoch too is not taken back: that send may have been performed.
-- $1 keys, $2 epochs, $3 command ids, $4 attempt numbers
with ask as (
    select * from unnest($1::text[], $2::bigint[], $3::uuid[], $4::int[]) as a(key, epoch, command_id, number)
),
fenced as (
    select a.* from ask a join ledger.keys k
        on k.key = a.key and k.epoch = a.epoch and k.open_command = a.command_id
    where k.key = any($1)
    order by k.key for update of k
),
undone as (
    update ledger.attempts s set state = 'not_sent'
    from fenced f where s.command_id = f.command_id and s.command_id = any($3) and s.number = f.number and s.epoch = f.epoch
    returning s.command_id, s.number
),
reopened as (
    update ledger.commands c
    set state = 'claimed', first_sent_at = null
    from undone u
    where c.command_id = u.command_id and c.command_id = any($3) and c.state = 'sending'
      and not exists (select from ledger.attempts s
                      where s.command_id = u.command_id and s.number <> u.number and s.state = 'sending')
)
select command_id from undone
