-- What disputes have taken of a payment and not given back, by currency, in minor units. It stands in no other total.
create or replace view payment_disputed as
select payment_id, withdrawn_currency as currency, sum(withdrawn_minor)::bigint as disputed,
       count(*) filter (where not is_over) as open
from payment_disputes
group by payment_id, withdrawn_currency;
