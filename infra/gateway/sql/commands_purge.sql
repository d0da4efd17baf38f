-- Forgets some (at most $2) of the commands that came more than so many days ($1) ago.
delete from gateway.commands
where command_id in (
    select command_id from gateway.commands
    where received_at < now() - make_interval(days => $1)
    order by received_at limit $2 for update skip locked)
