-- Note that nothing is under these master keys any more. $1 key ids
update vault.master_keys set retired_at = now() where key_id = any($1) and retired_at is null returning key_id
