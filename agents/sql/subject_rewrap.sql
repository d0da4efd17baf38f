-- Keep subjects' keys under another master key. $1 subjects, $2 sealed keys, $3 master key
update vault.subjects s set sealed_key = w.sealed_key, key_id = $3
from unnest($1::uuid[], $2::bytea[]) as w(subject, sealed_key)
where s.subject = w.subject and s.sealed_key is not null
