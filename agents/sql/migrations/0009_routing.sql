-- How the integration of an attempt was chosen, and why: whoever concludes the command tells it, whatever the rules say then.
-- A worker of the version before leaves it empty, and does no harm.
alter table ledger.attempts add column routed jsonb;
