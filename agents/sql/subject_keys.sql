-- What is known of subjects. $1 subjects
select subject, sealed_key, created_at, erased_at from vault.subjects where subject = any($1)
