"""Writing the registry's states. Only a later revision replaces a row, so that repeats change nothing."""

from collections.abc import Sequence
from typing import Any

from projections.columns import columns, tidy
from projections.entry import Entry
from projections.integrations.fold import ConfigRow, MappingRow, Row, RuleRow, fold, latest
from projections.projection import Connection, Projection
from projections.statements import statement
from streams.topics import Topic, Topics


def _reads(topics: Topics) -> tuple[Topic, ...]:
    return (topics.integration_events,)


async def _write(connection: Connection, entries: Sequence[Entry], shadow: str) -> None:
    rows = [row for entry in entries for row in fold(entry)]
    configs = [row for row in rows if isinstance(row, ConfigRow)]
    await _put(connection, "integrations/configs", configs, ConfigRow, shadow)
    mappings = [row for row in rows if isinstance(row, MappingRow)]
    await _put(connection, "integrations/mappings", mappings, MappingRow, shadow)
    # After the mappings: one that came before its integration was removed is over, one that came later is not.
    gone = latest([row for row in configs if row.status == "removed"])
    removals = [(row.integration_id, row.revision, row.updated_at) for row in gone if isinstance(row, ConfigRow)]
    if removals:
        await connection.execute(statement("integrations/unmap_all", shadow), *columns(removals))
    rules = [row for row in rows if isinstance(row, RuleRow)]
    await _put(connection, "integrations/rules", rules, RuleRow, shadow)


async def _put(connection: Connection, name: str, rows: Sequence[Row], kind: Any, shadow: str) -> None:
    if rows:
        # Made storable first: two names that become one in the table are one row here as well.
        stored = [kind(*values) for values in tidy(rows)]
        await connection.execute(statement(name, shadow), *columns(latest(stored)))


INTEGRATIONS = Projection(
    "integrations",
    ("integration_configs", "integration_user_mappings", "routing_rules"),
    ("integration_status",),
    _reads,
    _write,
)
