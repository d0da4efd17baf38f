-- Withdraw a parked command; the first word stands. $1 command id, $2 who and why
with told as (
    update ledger.parked set withdrawn = $2 where command_id = $1 and withdrawn is null
    returning key, integration_id, withdrawn
)
select key, integration_id, withdrawn, true as fresh from told
union all
select key, integration_id, withdrawn, false from ledger.parked where command_id = $1 and withdrawn is not null
