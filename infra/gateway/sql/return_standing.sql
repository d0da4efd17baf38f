-- How a payment ($1) stands for the shopper who comes back, and whether the command about it ($2) has ended. Both come of
-- one event, which the projector writes in one transaction: whoever sees the end sees what it brought.
-- Where the address was made for one integration ($3), nothing is told of a payment that is at another.
-- Where it waits for its payer, how it is called there, and how often a completion of it was refused is for the hub alone.
select
    (select case
         when bool_or(status in ('released', 'reversed')) then 'failed'
         when bool_or(status = 'captured') then 'captured'
         when bool_or(status = 'authorized') then 'authorized'
         when bool_and(status in ('refused', 'failed')) then 'failed'
         else 'pending'
     end
     from payment_transactions
     where payment_id = $1 and ($3::text is null or integration_id = $3)) as state,
    exists (
        select from integration_queue_jobs
        where job_id = $2 and status not in ('pending', 'running')) as ended,
    begun.integration_id as begun_at, begun.provider_reference as begun_as,
    (select count(*) from payment_transactions
     where payment_id = $1 and kind = 'complete' and status = 'refused' and result_offset > begun.result_offset
    ) as completions_refused
from (select 1) as one
left join lateral (
    select integration_id, provider_reference, result_offset
    from payment_transactions
    where payment_id = $1 and kind = 'create' and status = 'pending'
    order by result_offset desc
    limit 1) as begun on true
