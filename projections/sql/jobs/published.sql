-- Commands as they lie in their topic; of several records with one id the first by place stays.
-- One array a column, in the order of the column list.
insert into integration_queue_jobs{shadow} as known (
    job_id, command_key, command_type, command_integration_id, command_topic, command_partition, command_offset,
    published_at, expires_at)
select * from unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::bigint[], $8::timestamptz[],
    $9::timestamptz[])
on conflict (job_id) do update set
    command_key = excluded.command_key,
    command_type = excluded.command_type,
    command_integration_id = excluded.command_integration_id,
    command_topic = excluded.command_topic,
    command_partition = excluded.command_partition,
    command_offset = excluded.command_offset,
    published_at = excluded.published_at,
    expires_at = excluded.expires_at
where known.command_offset is null
   or (excluded.command_topic, excluded.command_partition, excluded.command_offset)
      < (known.command_topic, known.command_partition, known.command_offset)
