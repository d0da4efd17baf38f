-- What a cut would delete. $1 the smallest UUIDv7 that is kept, $2 the moment of the cut
select count(*) as commands,
       (select count(*) from ledger.attempts s join ledger.commands d using (command_id)
        where d.command_id < $1 and substring(d.command_id::text, 15, 1) = '7'
          and d.state = 'concluded' and d.concluded_at < $2) as attempts
from ledger.commands c
where c.command_id < $1 and substring(c.command_id::text, 15, 1) = '7' and c.state = 'concluded' and c.concluded_at < $2
