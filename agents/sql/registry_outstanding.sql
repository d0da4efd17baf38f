-- What is open at an integration: commands that lie parked for it, commands sent there that have no result, and payments
-- whose outcome there nobody knows. It looks at all that was ever sent there, so that it may take seconds. $1 integration
select
    (select count(*) from ledger.parked where integration_id = $1) as waiting,
    (select count(distinct a.command_id) from ledger.attempts a join ledger.commands c using (command_id)
     where a.integration_id = $1 and c.state <> 'concluded') as unconcluded,
    (select count(distinct c.key) from ledger.attempts a join ledger.commands c using (command_id)
     join ledger.keys k on k.key = c.key
     where a.integration_id = $1 and position('"open_commands"'::bytea in k.state) > 0
       and convert_from(k.state, 'UTF8')::jsonb ->> 'integration_id' = $1) as unsettled
