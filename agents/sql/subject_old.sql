-- Subjects whose keys are not under this master key. $1 master key, $2 how many at most
select subject, sealed_key from vault.subjects
where key_id <> $1 and sealed_key is not null
order by subject limit $2
for update skip locked
