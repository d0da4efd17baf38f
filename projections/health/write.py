"""Writing the checks. A row holds its event's id, which makes it count once."""

from collections.abc import Sequence

from projections.columns import columns
from projections.entry import Entry
from projections.health.fold import fold
from projections.projection import Connection, Projection
from projections.statements import statement
from streams.topics import Topic, Topics


def _reads(topics: Topics) -> tuple[Topic, ...]:
    return (topics.integration_events,)


async def _write(connection: Connection, entries: Sequence[Entry], shadow: str) -> None:
    rows = [row for entry in entries for row in fold(entry)]
    if rows:
        await connection.execute(statement("health/add", shadow), *columns(rows))


HEALTH = Projection(
    "health", ("integration_health_checks",), ("integration_health", "integration_status"), _reads, _write
)
