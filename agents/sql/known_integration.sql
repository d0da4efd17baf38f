-- Whether anything was ever sent to an integration, or waits for it. $1 integration
select exists (select from ledger.attempts where integration_id = $1)
    or exists (select from ledger.parked where integration_id = $1)
