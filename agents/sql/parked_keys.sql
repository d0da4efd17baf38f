-- The master keys that parked records name; those of an older format name none. $1 how the format begins, $2 bytes of an id
select distinct encode(substring(sealed from octet_length($1::bytea) + 1 for $2), 'hex') as key_id
from ledger.parked where substring(sealed from 1 for octet_length($1::bytea)) = $1::bytea
