-- Let the live versions of an integration end, and erase values whose time is over.
-- $1 integration, $2 the moment, $3 the end of the overlap, $4 number of this change
update vault.integration_credentials
set live_until = least(live_until, $3), change = $4, sealed = case when least(live_until, $3) > $2 then sealed end
where integration_id = $1 and revoked_at is null and sealed is not null
