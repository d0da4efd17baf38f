-- Delete a card's verification code. $1 card_ref
delete from vault.card_codes where card_ref = $1
