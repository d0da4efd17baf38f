-- All integrations, the removed ones too.
select state::text as state from registry.integrations order by integration_id
