-- How many cards and codes do not begin like this: they are under another master key. $1 beginning
select (select count(*) from vault.cards where substring(sealed from 1 for octet_length($1::bytea)) <> $1::bytea)
     + (select count(*) from vault.card_codes where substring(sealed from 1 for octet_length($1::bytea)) <> $1::bytea)
