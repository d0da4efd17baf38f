-- Wait for the turn to change credentials; what it gives is the number of this change.
update vault.credential_change set change = change + 1 returning change
