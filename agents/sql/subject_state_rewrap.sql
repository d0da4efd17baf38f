-- Keep the key of the lookups under another master key. $1 sealed key, $2 master key
update vault.subject_state set sealed_lookup = $1, key_id = $2
