-- How many subjects were erased; null before there was any subject.
select erasures from vault.subject_state
