-- Mark attempts as sending, just before the bytes leave. Only what comes back may be sent: the epoch is still ours, the
-- lease still runs, no operator has stopped the integration, the attempt was not marked by an earlier claim (unless the
-- provider deduplicates it), and no other attempt of the command may have been sent, or was opened after it.
-- A repetition keeps the epoch of the first mark, so that nobody can take that one back by taking back the repetition.
-- $1 keys, $2 epochs, $3 command ids, $4 attempt numbers, $5 integrations, $6 references, $7 request digests, $8 repeatable,
-- $9 how the integrations were chosen, $10 incarnation
with ask as (
    select * from unnest($1::text[], $2::bigint[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[], $8::bool[],
                         $9::text[])
        as a(key, epoch, command_id, number, integration_id, reference, request_digest, repeatable, routed)
),
fenced as (
    select a.* from ask a join ledger.keys k
        on k.key = a.key and k.epoch = a.epoch and k.open_command = a.command_id and k.lease_until > ledger.now()
    where k.key = any($1) and exists (select from ledger.incarnation i where i.id = $10)
      and not exists (select from ledger.stops t where t.integration_id = a.integration_id)
      and not exists (select from ledger.attempts o where o.command_id = a.command_id and o.number <> a.number
                      and (o.number > a.number or o.state = 'sending'))
    order by k.key for update of k
),
noted as (
    insert into ledger.attempts as s
        (command_id, number, epoch, integration_id, reference, request_digest, state, sent_at, routed)
    select command_id, number, epoch, integration_id, reference, request_digest, 'sending', ledger.now(), routed::jsonb
    from fenced
    order by command_id
    on conflict (command_id, number) do update
        set state = 'sending', epoch = case s.state when 'sending' then s.epoch else excluded.epoch end,
            request_digest = excluded.request_digest, reference = excluded.reference, sent_at = excluded.sent_at,
            routed = excluded.routed
        where s.integration_id = excluded.integration_id
          and (s.state = 'not_sent' or s.epoch = excluded.epoch
               or exists (select from fenced f where f.command_id = s.command_id and f.repeatable
                          and f.request_digest = s.request_digest))
    returning s.command_id
)
update ledger.commands c
    set state = 'sending', first_sent_at = coalesce(c.first_sent_at, ledger.now())
    from noted where c.command_id = noted.command_id and c.command_id = any($3) and c.state <> 'concluded'
    returning c.command_id
