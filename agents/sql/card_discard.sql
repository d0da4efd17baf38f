-- Delete a card with its code, and all whose time is over. $1 card_ref
delete from vault.cards where card_ref = $1 or expires_at <= ledger.now()
