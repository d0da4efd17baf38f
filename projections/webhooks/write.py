"""Writing providers' calls."""

from collections.abc import Sequence

from projections.columns import columns
from projections.entry import Entry
from projections.projection import Connection, Projection
from projections.statements import SHADOW, statement
from projections.webhooks.fold import fold
from streams.topics import Topic, Topics


def _reads(topics: Topics) -> tuple[Topic, ...]:
    return (topics.webhook_events,)


async def _write(connection: Connection, entries: Sequence[Entry], shadow: str) -> None:
    rows = [row for entry in entries for row in fold(entry)]
    if rows:
        await connection.execute(statement("webhooks/add", shadow), *columns(rows))


async def _carry(connection: Connection, topic: str, partition: int, below: int) -> None:
    await connection.execute(statement("webhooks/carry", SHADOW), topic, partition, below)


WEBHOOKS = Projection("webhooks", ("webhook_records",), ("webhook_events",), _reads, _write, _carry)
