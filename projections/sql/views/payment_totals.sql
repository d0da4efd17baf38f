-- A payment's money by currency, in minor units, from its movements alone; and the strongest state that they imply,
-- in whatever order they came. `net` is what was taken less what was given back.
create or replace view payment_totals as
with summed as (
    select payment_id, currency,
           coalesce(sum(amount_minor) filter (where status = 'authorized'), 0) as authorized,
           coalesce(sum(amount_minor) filter (where status = 'captured'), 0) as captured,
           coalesce(sum(amount_minor) filter (where status = 'refunded'), 0) as refunded,
           coalesce(sum(amount_minor) filter (where status = 'released'), 0) as released,
           coalesce(sum(amount_minor) filter (where status = 'reversed'), 0) as reversed,
           bool_or(status in ('released', 'reversed')) as was_cancelled,
           bool_or(status = 'unknown') as has_unknown,
           bool_or(status = 'pending') as has_pending
    from payment_transactions
    where currency is not null
    group by payment_id, currency
)
select payment_id, currency, authorized, captured, refunded, released + reversed as cancelled,
       captured - refunded - reversed as net,
       case
           when was_cancelled then 'cancelled'
           when has_unknown then 'unsettled'
           when captured > 0 and refunded >= captured then 'refunded'
           when refunded > 0 then 'partially_refunded'
           when captured > 0 then 'captured'
           when authorized > 0 then 'authorized'
           when has_pending then 'pending'
           else 'failed'
       end as state
from summed;
