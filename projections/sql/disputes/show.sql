-- What was told of a dispute, the oldest first. $1 its reference, $2 its integration (may be null: any)
select h.integration_id, h.dispute_reference, h.payment_id, d.provider, h.sequence, h.change, h.state, h.provider_state, h.stage,
       h.amount_minor, h.currency, h.withdrawn_minor, h.withdrawn_currency, d.reason, d.provider_reason, d.opened_at,
       h.respond_by, h.observed_at, h.command_id
from payment_dispute_history h join payment_disputes d using (integration_id, dispute_reference)
where h.dispute_reference = $1 and ($2::text is null or h.integration_id = $2)
order by h.integration_id, h.sequence
