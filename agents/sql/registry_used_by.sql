-- Which integrations each user, seller or store is mapped to.
select user_id, array_agg(integration_id order by integration_id) as integration_ids
from registry.user_mappings
group by user_id
