"""Each event counts once: its id is marked in the transaction that writes the rows it gives.

A result that is published again is a new record with the same id; position alone would count it twice.
"""

from collections.abc import Sequence
from uuid import UUID

from projections.entry import Entry
from projections.projection import Connection
from projections.statements import statement


async def unseen(connection: Connection, marks: str, entries: Sequence[Entry], shadow: str) -> list[Entry]:
    """The entries whose events were not marked yet, each event once, in their order; all are marked afterwards.

    `marks` names the statement that marks and returns what was marked before. Entries without an envelope have no id
    and are left out.
    """
    first: dict[tuple[int, str], tuple[UUID, Entry]] = {}
    for entry in entries:
        if entry.envelope is not None:
            # By number: to hash and compare a UUID costs more.
            first.setdefault((entry.envelope.id.int, entry.envelope.source), (entry.envelope.id, entry))
    if not first:
        return []
    # In the order of their keys, so that two writers of the same marks wait for each other instead of deadlocking.
    keys = sorted(first)
    ids = [first[key][0] for key in keys]
    rows = await connection.fetch(statement(marks, shadow), ids, [key[1] for key in keys])
    known = {(row["event_id"].int, row["event_source"]) for row in rows}
    return [entry for key, (_, entry) in first.items() if key not in known]
