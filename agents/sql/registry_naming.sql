-- Routing rules that name an integration. $1 its id
select rule_id from registry.routing_rules
where state -> 'rule' -> 'choices' @> jsonb_build_array(jsonb_build_object('integration_id', $1::text))
   or state -> 'rule' -> 'fallback' @> to_jsonb($1::text)
order by rule_id
