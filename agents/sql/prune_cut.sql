-- Move the cut, never backwards: from here on an unknown UUIDv7 below it is refused. $1 the smallest UUIDv7 that is kept
update ledger.incarnation set pruned_below = greatest(pruned_below, $1)
