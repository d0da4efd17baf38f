-- How many keys are not under this master key. $1 master key
select (select count(*) from vault.subjects where key_id <> $1) + (select count(*) from vault.subject_state where key_id <> $1)
