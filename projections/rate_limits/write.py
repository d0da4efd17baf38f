"""Writing how far rate limits are used. Only a later report replaces a row, so that repeats change nothing."""

from collections.abc import Sequence

from projections.columns import columns, tidy
from projections.entry import Entry
from projections.projection import Connection, Projection
from projections.rate_limits.fold import RateLimitRow, fold, latest
from projections.statements import statement
from streams.topics import Topic, Topics


def _reads(topics: Topics) -> tuple[Topic, ...]:
    return (topics.integration_events,)


async def _write(connection: Connection, entries: Sequence[Entry], shadow: str) -> None:
    rows = [row for entry in entries for row in fold(entry)]
    if rows:
        # Made storable first: two names that become one in the table are one row here as well.
        stored = [RateLimitRow(*values) for values in tidy(rows)]
        await connection.execute(statement("rate_limits/put", shadow), *columns(latest(stored)))


RATE_LIMITS = Projection("rate_limits", ("integration_rate_limits",), ("integration_limits",), _reads, _write)
