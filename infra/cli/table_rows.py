"""Rows of the projections' tables, for commands that show them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from infra.settings import Settings
from projections.batch import STORE_FAILURES
from projections.pool import open_pool
from projections.statements import statement
from schemas.envelope import rfc3339
from schemas.errors import StoreError


async def rows_of(settings: Settings, name: str, *arguments: object) -> Sequence[Mapping[str, Any]]:
    """What the projections' statement `name` finds.

    Raises:
        StoreError: PostgreSQL does not answer.
    """
    try:
        pool = await open_pool(settings.database_url.get_secret_value(), size=1)
        try:
            rows: Sequence[Mapping[str, Any]] = await pool.fetch(statement(name), *arguments)
        finally:
            await pool.close()
    except STORE_FAILURES as failed:
        raise StoreError(f"the tables cannot be read ({failed}); start PostgreSQL") from failed
    return rows


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as JSON shows it, without what is null: whole numbers as they are, everything else as text."""
    told = {name: value for name, value in row.items() if value is not None}
    return {
        name: rfc3339(value) if isinstance(value, datetime) else value if isinstance(value, int) else str(value)
        for name, value in told.items()
    }
