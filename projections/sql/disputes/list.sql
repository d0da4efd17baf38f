-- Disputes, those first whose answer is due the soonest. $1 an integration, $2 a state (each may be null: all), $3 whether those
-- that are over are listed too, $4 at most so many
select dispute_reference, integration_id, payment_id, state, stage, amount_minor, currency, withdrawn_minor, withdrawn_currency,
       reason, respond_by, observed_at
from payment_disputes
where ($1::text is null or integration_id = $1) and ($2::text is null or state = $2) and ($3 or not is_over)
order by is_over, state <> 'needs_response', respond_by nulls last, integration_id, dispute_reference limit $4
