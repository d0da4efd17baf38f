-- Keep cards whose data keys were wrapped anew. $1 card_refs, $2 sealed cards
update vault.cards c set sealed = n.sealed from unnest($1::uuid[], $2::bytea[]) as n(card_ref, sealed)
where c.card_ref = n.card_ref
