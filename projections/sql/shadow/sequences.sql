-- Sequences behind the identity columns of a table ($1).
select sequence.relname as sequence
from pg_depend
join pg_class as sequence on sequence.oid = pg_depend.objid and sequence.relkind = 'S'
where pg_depend.classid = 'pg_class'::regclass and pg_depend.refobjid = $1::regclass and pg_depend.deptype = 'i'
