-- Note that a process seals with a master key from now on. $1 key id
insert into vault.master_keys (key_id) values ($1)
on conflict (key_id) do update set retired_at = null where vault.master_keys.retired_at is not null
