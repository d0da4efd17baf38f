"""Writing the metrics."""

from collections.abc import Sequence

from projections.columns import columns
from projections.entry import Entry
from projections.metrics.fold import fold, merged
from projections.projection import Connection, Projection
from projections.seen import unseen
from projections.statements import statement
from streams.topics import Topic, Topics


def _reads(topics: Topics) -> tuple[Topic, ...]:
    return (topics.provider_calls,)


async def _write(connection: Connection, entries: Sequence[Entry], shadow: str) -> None:
    new = await unseen(connection, "metrics/mark", [entry for entry in entries if entry.body is not None], shadow)
    rows = merged(row for entry in new for row in fold(entry))
    if rows:
        # Arrays of one length, so that they travel as one array of two dimensions.
        *plain, buckets = columns(rows)
        await connection.execute(statement("metrics/add", shadow), *plain, [list(counts) for counts in buckets])


METRICS = Projection(
    "metrics", ("integration_metrics", "integration_metrics_seen"), ("integration_latency",), _reads, _write
)
