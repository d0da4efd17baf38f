-- Store secrets that were rewrapped. $1 ids, $2 as they were, $3 as they are now
update gateway.endpoint_secrets s set sealed = n.now
from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as n (secret_id, was, now)
where s.secret_id = n.secret_id and s.sealed = n.was
