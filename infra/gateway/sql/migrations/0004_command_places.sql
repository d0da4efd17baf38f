-- Where a command's record lies, so that a rejection, which names its record's place, is known to be about it. And what
-- reads the table otherwise than by a caller's key: all commands of one payment, and what is old enough to go.
alter table gateway.commands add column partition integer, add column "offset" bigint;
create index on gateway.commands (key);
create index on gateway.commands (received_at);
