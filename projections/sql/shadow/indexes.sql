-- Which index of a table ($1) each index of its copy ($2) stands for: the one with the same definition.
-- Primary keys and unique constraints are indexes too; renaming the index renames the constraint.
select live.indexname as live, shadow.indexname as shadow
from pg_indexes as live
join pg_indexes as shadow
  on live.schemaname = shadow.schemaname
 and split_part(live.indexdef, ' USING ', 2) = split_part(shadow.indexdef, ' USING ', 2)
where live.schemaname = current_schema() and live.tablename = $1 and shadow.tablename = $2
  and (live.indexdef like 'CREATE UNIQUE %') = (shadow.indexdef like 'CREATE UNIQUE %')
