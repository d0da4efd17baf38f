-- The number of the registry's last change.
select value from registry.revision
