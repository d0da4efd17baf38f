"""Writing the resources."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from projections.columns import columns
from projections.entry import Entry
from projections.projection import Connection, Projection
from projections.resources.fold import ResourceRow, fold, merged
from projections.seen import unseen
from projections.statements import statement
from schemas.payments.resources import ResourceResult
from streams.topics import Topic, Topics


def _reads(topics: Topics) -> tuple[Topic, ...]:
    return (topics.payment_events,)


async def _write(connection: Connection, entries: Sequence[Entry], shadow: str) -> None:
    results = [entry for entry in entries if isinstance(entry.body, ResourceResult)]
    rows: dict[UUID, ResourceRow] = {}
    for row in (row for entry in await unseen(connection, "resources/mark", results, shadow) for row in fold(entry)):
        known = rows.get(row.resource_id)
        rows[row.resource_id] = row if known is None else merged(known, row)
    if rows:
        ordered = [rows[key] for key in sorted(rows, key=lambda key: key.int)]
        await connection.execute(statement("resources/put", shadow), *columns(ordered))


RESOURCES: Final = Projection("resources", ("payment_resources", "payment_resources_seen"), (), _reads, _write)
