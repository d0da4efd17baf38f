"""Each event counts once: its id is marked in the transaction that writes the rows it gives.

A result that is published again is a new record with the same id; position alone would count it twice.
"""

from collections.abc import Sequence

from projections.entry import Entry
from projections.projection import Connection
from projections.statements import statement


async def unseen(connection: Connection, marks: str, entries: Sequence[Entry], shadow: str) -> list[Entry]:
    """The entries whose events were not marked yet, each event once, in their order; all are marked afterwards.

    `marks` names the statement that marks and returns what was new. Entries without an envelope have no id and are
    left out.
    """
    first: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        if entry.envelope is not None:
            first.setdefault((str(entry.envelope.id), entry.envelope.source), entry)
    if not first:
        return []
    # In the order of their keys, so that two writers of the same marks wait for each other instead of deadlocking.
    keys = sorted(first)
    rows = await connection.fetch(statement(marks, shadow), [key[0] for key in keys], [key[1] for key in keys])
    new = {(str(row["event_id"]), row["event_source"]) for row in rows}
    return [entry for key, entry in first.items() if key in new]
