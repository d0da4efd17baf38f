-- Hold the registry until the transaction ends; the number of its last change.
select value from registry.revision for update
