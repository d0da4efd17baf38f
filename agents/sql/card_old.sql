-- Some cards and codes that do not begin like this: they are under another master key. $1 beginning, $2 how many of each
(select card_ref, 'card' as what, sealed from vault.cards
 where substring(sealed from 1 for octet_length($1::bytea)) <> $1::bytea
 order by card_ref limit $2)
union all
(select card_ref, 'code', sealed from vault.card_codes
 where substring(sealed from 1 for octet_length($1::bytea)) <> $1::bytea
 order by card_ref limit $2)
