-- Integrations that an operator has stopped.
select integration_id from ledger.stops
