"""Writing the resources."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final
from uuid import UUID

from projections.columns import columns
from projections.entry import Entry
from projections.projection import Connection, Projection
from projections.resources.fold import ResourceRow, fold
from projections.seen import unseen
from projections.statements import statement
from schemas.payments.resources import ResourceResult
from streams.topics import Topic, Topics


def _reads(topics: Topics) -> tuple[Topic, ...]:
    return (topics.payment_events,)


async def _write(connection: Connection, entries: Sequence[Entry], shadow: str) -> None:
    results = [entry for entry in entries if isinstance(entry.body, ResourceResult)]
    new = await unseen(connection, "resources/mark", results, shadow)
    for rows in waves([row for entry in new for row in fold(entry)]):
        await connection.execute(statement("resources/put", shadow), *columns(rows))


def waves(rows: Sequence[ResourceRow]) -> list[list[ResourceRow]]:
    """The rows so that no resource stands twice in one statement: a later one's meaning hangs on what is there."""
    by_resource: dict[UUID, list[ResourceRow]] = {}
    for row in rows:
        by_resource.setdefault(row.resource_id, []).append(row)
    ordered = [by_resource[key] for key in sorted(by_resource, key=lambda key: key.int)]
    return [[row for row in wave if row is not None] for wave in zip_longest(*ordered)]


RESOURCES: Final = Projection("resources", ("payment_resources", "payment_resources_seen"), (), _reads, _write)
