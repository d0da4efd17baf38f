-- Results; the first of a command stands. One array a column, in the order of the column list.
insert into integration_queue_jobs{shadow} as known (
    job_id, result_key, result_type, result_integration_id, result_event_id, verdict, result_attempts, reason,
    error_message, completed_at)
select * from unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::bigint[], $8::text[], $9::text[],
    $10::timestamptz[])
on conflict (job_id) do update set
    result_key = excluded.result_key,
    result_type = excluded.result_type,
    result_integration_id = excluded.result_integration_id,
    result_event_id = excluded.result_event_id,
    verdict = excluded.verdict,
    result_attempts = excluded.result_attempts,
    reason = excluded.reason,
    error_message = excluded.error_message,
    completed_at = excluded.completed_at
where known.result_event_id is null
