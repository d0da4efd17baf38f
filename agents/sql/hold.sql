-- Send nothing to an integration that is paused, disabled or removed. A stop by hand stands as it is.
-- $1 integration, $2 who, $3 why
insert into ledger.stops (integration_id, stopped_by, why, stopped_at, by_hand) values ($1, $2, $3, ledger.now(), false)
on conflict (integration_id) do nothing
