"""Writing the table of dead letters."""

from collections.abc import Sequence

from projections.columns import columns
from projections.dead_letters.fold import fold
from projections.entry import Entry
from projections.projection import Connection, Projection
from projections.statements import SHADOW, statement
from streams.topics import Topic, Topics


def _reads(topics: Topics) -> tuple[Topic, ...]:
    return (topics.dead_letters,)


async def _write(connection: Connection, entries: Sequence[Entry], shadow: str) -> None:
    rows = [row for entry in entries for row in fold(entry)]
    if rows:
        await connection.execute(statement("dead_letters/add", shadow), *columns(rows))


async def _carry(connection: Connection, topic: str, partition: int, below: int) -> None:
    await connection.execute(statement("dead_letters/carry", SHADOW), topic, partition, below)


DEAD_LETTERS = Projection("dead_letters", ("dead_letters",), (), _reads, _write, _carry)
