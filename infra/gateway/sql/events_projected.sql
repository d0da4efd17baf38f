-- How far the audit log has come in each partition of a topic ($1).
select partition, next_offset from projection_positions where projection = 'audit' and topic = $1
