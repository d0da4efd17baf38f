"""Writing the disputes."""

from collections.abc import Sequence
from typing import Final

from projections.columns import columns
from projections.disputes.fold import fold, newest
from projections.entry import Entry
from projections.projection import Connection, Projection
from projections.statements import statement
from streams.topics import Topic, Topics


def _reads(topics: Topics) -> tuple[Topic, ...]:
    return (topics.payment_events,)


async def _write(connection: Connection, entries: Sequence[Entry], shadow: str) -> None:
    told = [rows for entry in entries if (rows := fold(entry)) is not None]
    if not told:
        return
    stand = newest([row for row, _ in told])
    await connection.execute(statement("disputes/put", shadow), *columns(stand))
    history = sorted((row for _, row in told), key=lambda row: (row.event_id.int, row.event_source))
    await connection.execute(statement("disputes/add", shadow), *columns(history))


DISPUTES: Final = Projection(
    "disputes", ("payment_disputes", "payment_dispute_history"), ("payment_disputed",), _reads, _write
)
