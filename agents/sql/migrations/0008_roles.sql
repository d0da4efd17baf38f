-- Stands in for the migration of that number, so that numbers have no gap.
select 1;
