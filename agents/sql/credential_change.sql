-- What the changes stand at; polled by every worker.
select change from vault.credential_change
