-- Delete what a worker that died has left behind: cards whose time is over or whose command is concluded, and codes whose
-- authorisation was sent by somebody who does not hold the key any more. Codes go with their cards.
with cards as (
    delete from vault.cards c
    where c.expires_at <= ledger.now()
       or exists (select from ledger.commands m where m.command_id = c.opened_by and m.state = 'concluded')
    returning c.card_ref
),
codes as (
    delete from vault.card_codes d
    using vault.cards c
    where c.card_ref = d.card_ref
      and exists (select from ledger.attempts a join ledger.commands m using (command_id) join ledger.keys k using (key)
                  where a.command_id = c.opened_by and a.state = 'sending'
                    and (k.open_command is distinct from a.command_id or k.lease_until is null
                         or k.lease_until <= ledger.now()))
    returning d.card_ref
)
select (select count(*) from cards) + (select count(*) from codes)
