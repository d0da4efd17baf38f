-- A routing rule holds no more. $1 id, $2 revision
delete from registry.routing_rules where rule_id = $1 and revision < $2
