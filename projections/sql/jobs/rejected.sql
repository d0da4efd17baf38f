-- Records that were not taken as commands; of several with one id the first by place stays.
-- One array a column, in the order of the column list.
insert into integration_queue_jobs{shadow} as known (
    job_id, rejected_topic, rejected_partition, rejected_offset, rejected_reason, rejected_message, rejected_at)
select * from unnest(
    $1::uuid[], $2::text[], $3::integer[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[])
on conflict (job_id) do update set
    rejected_topic = excluded.rejected_topic,
    rejected_partition = excluded.rejected_partition,
    rejected_offset = excluded.rejected_offset,
    rejected_reason = excluded.rejected_reason,
    rejected_message = excluded.rejected_message,
    rejected_at = excluded.rejected_at
where known.rejected_at is null
   or (excluded.rejected_topic, excluded.rejected_partition, excluded.rejected_offset)
      < (known.rejected_topic, known.rejected_partition, known.rejected_offset)
