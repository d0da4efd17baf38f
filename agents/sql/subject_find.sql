-- The subject of a lookup, if there is one. $1 lookup
select subject from vault.subjects where lookup = $1
