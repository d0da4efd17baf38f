-- Resources, the last changed first. $1 an integration, $2 a kind, $3 a stage (each may be null: all), $4 at most so many
select resource_id, kind, stage, integration_id, provider, provider_reference, customer_reference, last_verdict, last_reason,
       updated_at
from payment_resources
where ($1::text is null or integration_id = $1) and ($2::text is null or kind = $2) and ($3::text is null or stage = $3)
order by updated_at desc, resource_id limit $4
