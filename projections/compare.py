"""Whether two tables hold the same rows."""

from dataclasses import dataclass
from typing import Final

from projections.projection import Connection

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A row, as JSON, that stands in one table only."""

    table: str
    only_in: str
    row: str


async def compare(connection: Connection, live: str, rebuilt: str) -> list[RowDifference]:
    """Rows that stand in one of the two tables only, the first 20 of each; none when they are equal.

    Every column is compared but `id`, which tells the order of writing and nothing else. A row that stands twice in one
    table must do so in the other.
    """
    found: list[RowDifference] = []
    for mine, other in ((live, rebuilt), (rebuilt, live)):
        rows = await connection.fetch(
            # Both names are our own tables', quoted as identifiers.
            f"select to_jsonb(a) - 'id' as row from \"{mine}\" as a except all "  # noqa: S608
            f"select to_jsonb(b) - 'id' from \"{other}\" as b order by 1 limit {_SHOWN}"
        )
        found += [RowDifference(live, mine, row["row"]) for row in rows]
    return found
