-- The last link of each chain: topics $1, partitions $2. Places without rows are left out.
select place.topic, place.partition, head."offset", head.hash
from unnest($1::text[], $2::integer[]) as place (topic, partition)
cross join lateral (
    select "offset", hash
    from integration_audit_logs{shadow} as log
    where log.topic = place.topic and log.partition = place.partition
    order by log."offset" desc
    limit 1
) as head
