-- Keep a sealed card, and delete all whose time is over. $1 card_ref, $2 sealed bytes, $3 seconds to live
with over as (delete from vault.cards where expires_at <= ledger.now())
insert into vault.cards (card_ref, sealed, expires_at) values ($1, $2, ledger.now() + make_interval(secs => $3))
