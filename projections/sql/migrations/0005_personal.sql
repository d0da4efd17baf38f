-- Who paid: the data subject, and the fields sealed under the subject's own key, as the result carries them (base64). Nothing here
-- can open them.
alter table payment_transactions add column subject_id uuid, add column payer text;
create index on payment_transactions (subject_id) where subject_id is not null;
