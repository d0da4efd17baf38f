-- How many answers to disputes are due within so many hours ($1), overdue ones too, and when the first one is
select count(*) as due, min(respond_by) as first
from payment_disputes
where state = 'needs_response' and respond_by < now() + make_interval(hours => $1)
