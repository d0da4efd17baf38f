-- Attempts that may have been sent: the highest one says where it went, the earliest when the work began.
-- One array a column, in the order of the column list.
insert into integration_queue_jobs{shadow} as known (
    job_id, sent_key, sent_type, sent_integration_id, attempts, started_at)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[])
on conflict (job_id) do update set
    sent_key = case when excluded.attempts >= coalesce(known.attempts, 0) then excluded.sent_key else known.sent_key end,
    sent_type = case when excluded.attempts >= coalesce(known.attempts, 0) then excluded.sent_type
                     else known.sent_type end,
    sent_integration_id = case when excluded.attempts >= coalesce(known.attempts, 0) then excluded.sent_integration_id
                               else known.sent_integration_id end,
    attempts = greatest(known.attempts, excluded.attempts),
    started_at = least(known.started_at, excluded.started_at)
