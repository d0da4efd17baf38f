-- One change more. $1 its number
update registry.revision set value = $1
