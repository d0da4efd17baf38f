-- When a hold lapses, where its provider tells; and rows of renewals, which move no money: 'accepted' says that one was made.
alter table payment_transactions add column held_until timestamptz;
alter table payment_transactions drop constraint payment_transactions_kind_check;
alter table payment_transactions add constraint payment_transactions_kind_check
    check (kind in ('create', 'complete', 'capture', 'reauthorize', 'cancel', 'refund', 'transfer', 'other'));
