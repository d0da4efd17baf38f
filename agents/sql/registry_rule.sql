-- A routing rule. $1 its id
select state::text as state from registry.routing_rules where rule_id = $1
