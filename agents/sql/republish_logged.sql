-- Which results (number 0) and attempts the log holds already.
create temporary table logged (command_id uuid not null, number int not null) on commit drop
