-- How far the projections know a command ($1) to be.
select job_id, job_type, key, integration_id, status, created_at, rejected_topic, rejected_partition, rejected_offset
from integration_queue_jobs
where job_id = $1
