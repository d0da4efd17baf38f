-- Keep a sealed card and its sealed code, and delete all whose time is over. $1 card_ref, $2 sealed card, $3 sealed code or
-- null, $4 seconds to live
with over as (delete from vault.cards where expires_at <= ledger.now()),
card as (
    insert into vault.cards (card_ref, sealed, expires_at)
    values ($1, $2, ledger.now() + make_interval(secs => $4))
    returning card_ref, expires_at
)
insert into vault.card_codes (card_ref, sealed, expires_at)
select card_ref, $3, expires_at from card where $3::bytea is not null
