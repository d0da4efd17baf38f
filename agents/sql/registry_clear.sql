-- Forget everything, before the registry is made anew from its events. Stops that belong to integrations go with them.
with gone as (delete from ledger.stops where not by_hand),
     integrations as (delete from registry.integrations),
     mappings as (delete from registry.user_mappings),
     rules as (delete from registry.routing_rules)
delete from registry.changes
