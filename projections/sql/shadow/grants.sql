-- What roles may do with a table ($1), as statements that allow them the same with its copy ($2).
select format('grant %s on table %I to %s', acl.privilege_type, $2::text,
              case when acl.grantee = 0 then 'public' else acl.grantee::regrole::text end) as statement
from pg_class as live
cross join lateral aclexplode(live.relacl) as acl
where live.oid = $1::regclass and acl.grantee <> live.relowner
