-- How many commands wait, by integration; those that wait behind an earlier one of their payment have none yet.
select coalesce(integration_id, 'none yet') as integration_id, count(*) as commands
from ledger.parked group by 1
