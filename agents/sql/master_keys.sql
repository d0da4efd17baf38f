-- The master keys that something may be under: those that processes sealed with and nobody retired, those of credentials
-- and of data subjects' keys, and those that the envelopes of cards name. $1 how an envelope begins, $2 bytes of an id
select key_id from vault.master_keys where retired_at is null
union
select key_id from vault.integration_credentials where sealed is not null
union
select key_id from vault.subjects where sealed_key is not null
union
select key_id from vault.subject_state
union
select encode(substring(sealed from octet_length($1::bytea) + 1 for $2), 'hex')
from (select sealed from vault.cards where expires_at > ledger.now()
      union all select sealed from vault.card_codes where expires_at > ledger.now()) as waiting
