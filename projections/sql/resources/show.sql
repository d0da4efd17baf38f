-- One resource, all that is known of it. $1 its id
select resource_id, kind, stage, integration_id, provider, provider_reference, create_reference, customer_reference, details,
       last_command_id, last_command_type, last_verdict, last_reason, last_detail, created_at, updated_at
from payment_resources where resource_id = $1
