-- Notes when keys $1 were last used, at $2. It is no change of a key: nobody needs to read it anew.
update gateway.api_keys k set last_used_at = used.at
from unnest($1::text[], $2::timestamptz[]) used (prefix, at)
where k.prefix = used.prefix and (k.last_used_at is null or k.last_used_at < used.at);
