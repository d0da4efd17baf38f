-- Store a value that was rewrapped. $1 id, $2 sealed, $3 key id
update vault.integration_credentials set sealed = $2, key_id = $3 where id = $1
