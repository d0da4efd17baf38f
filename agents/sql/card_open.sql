-- Hand a card to the one command that holds the key's live claim. $1 card_ref, $2 command id, $3 key, $4 epoch
with opened as (
    update vault.cards c set opened_by = $2
    where c.card_ref = $1 and c.expires_at > ledger.now() and (c.opened_by is null or c.opened_by = $2)
      and exists (select from ledger.keys k
                  where k.key = $3 and k.epoch = $4 and k.open_command = $2 and k.lease_until > ledger.now())
    returning c.card_ref, c.sealed
)
select opened.sealed as card, d.sealed as code
from opened left join vault.card_codes d on d.card_ref = opened.card_ref and d.expires_at > ledger.now()
