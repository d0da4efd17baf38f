-- Keys under whose claim something may be leaving for an integration right now, with the epoch of that claim.
-- $1 integration
with busy as materialized (
    select key, epoch, open_command from ledger.keys where lease_until > ledger.now() and open_command is not null
)
select b.key, b.epoch from busy b join ledger.commands c on c.command_id = b.open_command
where c.state = 'sending'
  and exists (select from ledger.attempts a
              where a.command_id = c.command_id and a.integration_id = $1 and a.state = 'sending')
