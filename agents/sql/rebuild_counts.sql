-- What stands in the ledger now.
select (select count(*) from ledger.commands) as commands,
       (select count(*) from ledger.commands where state = 'concluded') as concluded,
       (select count(*) from ledger.commands where state = 'sending') as maybe_sent,
       (select count(*) from ledger.keys) as keys
