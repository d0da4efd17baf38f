-- Keep codes whose data keys were wrapped anew. $1 card_refs, $2 sealed codes
update vault.card_codes c set sealed = n.sealed from unnest($1::uuid[], $2::bytea[]) as n(card_ref, sealed)
where c.card_ref = n.card_ref
