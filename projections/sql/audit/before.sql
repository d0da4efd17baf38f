-- The rows before an offset, of whose records the log holds nothing any more: topic $1, partition $2, offset $3, start of the
-- chain $4. How many there are, the hash of the last one, and the first that does not follow from the one before it.
select count(*) as rows,
       (select hash from integration_audit_logs
        where topic = $1 and partition = $2 and "offset" < $3 order by "offset" desc limit 1) as hash,
       min("offset") filter (where previous_hash <> before or hash <> sha256(previous_hash || record_digest)) as broken
from (
    select "offset", previous_hash, hash, record_digest, lag(hash, 1, $4::bytea) over (order by "offset") as before
    from integration_audit_logs
    where topic = $1 and partition = $2 and "offset" < $3
) as log
