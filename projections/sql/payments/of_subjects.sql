-- What the table holds of data subjects, a row as JSON. $1 subjects
select to_jsonb(t) - 'id' from payment_transactions t where t.subject_id = any($1) order by t.id
