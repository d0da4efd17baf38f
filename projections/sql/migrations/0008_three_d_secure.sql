-- Completions of payments that the payer's bank had to let through, and shares that were paid out. A completion's own row
-- never holds its money, which stands in the row of the start: 'accepted' says that it was performed.
alter table payment_transactions drop constraint payment_transactions_kind_check;
alter table payment_transactions add constraint payment_transactions_kind_check
    check (kind in ('create', 'complete', 'capture', 'cancel', 'refund', 'transfer', 'other'));
alter table payment_transactions drop constraint payment_transactions_effect_check;
alter table payment_transactions add constraint payment_transactions_effect_check
    check (effect in ('authorized', 'captured', 'released', 'reversed', 'refunded', 'transferred'));
alter table payment_transactions drop constraint payment_transactions_settled_state_check;
alter table payment_transactions add constraint payment_transactions_settled_state_check
    check (settled_state in ('captured', 'authorized', 'failed', 'refunded', 'released', 'reversed', 'transferred', 'accepted'));
