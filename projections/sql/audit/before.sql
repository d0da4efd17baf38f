-- The last link before an offset: topic $1, partition $2, offset $3.
select hash
from integration_audit_logs
where topic = $1 and partition = $2 and "offset" < $3
order by "offset" desc
limit 1
