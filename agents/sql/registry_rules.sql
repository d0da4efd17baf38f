-- All routing rules.
select state::text as state from registry.routing_rules order by rule_id
