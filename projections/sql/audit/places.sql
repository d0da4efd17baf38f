-- The partitions that rows are of.
select topic, partition, min("offset") as first, count(*) as rows
from integration_audit_logs
group by topic, partition
