-- People may settle any command whose outcome stayed unknown, not creations alone.
alter table payment_transactions drop constraint payment_transactions_settled_state_check;
alter table payment_transactions add constraint payment_transactions_settled_state_check
    check (settled_state in ('captured', 'authorized', 'failed', 'refunded', 'released', 'reversed'));
