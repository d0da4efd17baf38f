-- What became of outcomes that were open. A query's clear word settles the payment's creations that were pending or unknown,
-- and their completions, which were performed or failed and hold no money of their own; a person's word settles the one
-- open command that it names. Both only what lies before them in the log, and the first
-- such word stands. No concluded yes or no is ever touched.
-- $1 payments, $2 offsets, $3 states, $4 amounts in minor units, $5 currencies, $6 event ids, $7 times,
-- $8 commands (null: the payment's creations), $9 reasons (null: the one that stands stays), $10 when a hold lapses
with told as (
    select * from unnest(
        $1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::uuid[], $7::timestamptz[], $8::uuid[], $9::text[],
        $10::timestamptz[])
        as told (payment_id, told_offset, state, minor, currency, event_id, told_at, of_command, reason, held_until)
), meant as (
    select known.transaction_id,
           case when known.kind = 'complete' and told.state <> 'failed' then 'accepted' else told.state end as state,
           case when known.kind = 'create' then told.minor end as minor,
           case when known.kind = 'create' then told.currency end as currency,
           told.event_id, told.told_at, told.told_offset, told.reason,
           case when known.kind = 'create' then told.held_until end as held_until
    from payment_transactions{shadow} as known
    join told on told.payment_id = known.payment_id and told.of_command is null
    where known.kind in ('create', 'complete') and known.verdict in ('pending', 'unknown')
      and told.told_offset > known.result_offset and known.settled_event_id is null
    union all
    select known.transaction_id, told.state, told.minor, told.currency, told.event_id, told.told_at, told.told_offset,
           told.reason, told.held_until
    from payment_transactions{shadow} as known
    join told on told.of_command = known.transaction_id
    where known.verdict in ('pending', 'unknown')
      and told.told_offset > known.result_offset and known.settled_event_id is null
), first as (
    select distinct on (transaction_id) * from meant order by transaction_id, told_offset
)
update payment_transactions{shadow} as known
set settled_state = first.state,
    settled_minor = first.minor,
    settled_currency = first.currency,
    settled_event_id = first.event_id,
    settled_at = first.told_at,
    reason = coalesce(first.reason, known.reason),
    held_until = coalesce(first.held_until, known.held_until)
from first
where known.transaction_id = first.transaction_id
