-- One row for each event that a provider told of, however often, and one for each count of calls that were refused (`why` says
-- for what, `times` how many). `status`: received, then processed, unresolved or about_nothing; rejected. `secret_index` and
-- `signed_at` are of the last call, and say that its signature was verified; what was sent again by operators is no call.
create or replace view webhook_events as
with told as (
    select integration_id, event_id,
           (array_agg(provider order by "offset") filter (where kind = 'received'))[1] as provider,
           (array_agg(event_type order by "offset") filter (where kind = 'received'))[1] as event_type,
           (array_agg(said order by "offset" desc) filter (where kind = 'received'))[1] as said,
           (array_agg(secret_index order by "offset" desc) filter (where kind = 'received'))[1] as secret_index,
           (array_agg(signed_at order by "offset" desc) filter (where kind = 'received'))[1] as signed_at,
           (array_agg(body_digest order by "offset" desc) filter (where kind = 'received'))[1] as body_digest,
           min(at) filter (where kind = 'received') as first_at,
           max(at) filter (where kind = 'received') as last_at,
           count(*) filter (where kind = 'received' and not requeued) as times,
           bool_or(outcome in ('processed', 'repeated')) as processed,
           (array_agg(outcome order by "offset" desc) filter (where kind = 'handled'))[1] as outcome,
           (array_agg(detail order by "offset" desc) filter (where kind = 'handled'))[1] as detail,
           min(at) filter (where kind = 'handled' and outcome in ('processed', 'repeated')) as processed_at,
           max(at) filter (where kind = 'handled') as handled_at,
           (array_agg(payment_id order by "offset") filter (where payment_id is not null))[1] as payment_id,
           (array_agg(command_id order by "offset") filter (where command_id is not null))[1] as command_id
    from webhook_records
    where kind in ('received', 'handled')
    group by integration_id, event_id
)
select integration_id, event_id, provider, event_type, said,
       case when processed then 'processed' else coalesce(outcome, 'received') end as status,
       secret_index is not null as verified, secret_index, signed_at, null::text as why, first_at, last_at, times,
       greatest(times - 1, 0) as duplicates, coalesce(processed_at, handled_at) as handled_at, payment_id, command_id,
       body_digest, case when processed then null else detail end as detail
from told
union all
select integration_id, null, null, null, null, 'rejected', false, null, null, why, first_at, at, times, 0, null, null, null,
       body_digest, null
from webhook_records
where kind = 'refused';
