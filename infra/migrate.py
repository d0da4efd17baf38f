"""Brings a database to the schema that this version of the hub needs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, Final

import asyncpg

from infra.migrations.history import HISTORIES, History
from schemas.errors import SettingsError, StoreError

CONNECT_TIMEOUT_S: Final = 10
_LOCK: Final = 0x4B6F6C616A  # "Kolaj"


async def migrate(database_url: str) -> None:
    """Run every pending migration of the ledger and of the projections, all in one transaction.

    May be called at any time and by several processes at once: one works, the others wait and find nothing to do.

    Raises:
        SettingsError: the database was brought up to date by a newer version of the hub than this one.
        StoreError: the database cannot be reached, or refuses a statement.
    """
    async with _connected(database_url) as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_script("roles"))
        for history in HISTORIES:
            await connection.execute(f"create schema if not exists {history.schema}")
            script = history.script(await _current(connection, history))
            if script.strip():  # asyncpg 0.32.0 fails on an empty one
                await connection.execute(script)
        await connection.execute(_script("grants"))


async def pending(database_url: str) -> list[str]:
    """The migrations that were not run yet, such as `ledger/0001_ledger`, in the order they would run.

    Raises:
        SettingsError: the database was brought up to date by a newer version of the hub than this one.
        StoreError: the database cannot be reached.
    """
    async with _connected(database_url) as connection:
        return [
            f"{history.name}/{revision}"
            for history in HISTORIES
            for revision in history.ahead(await _current(connection, history))
        ]


async def _current(connection: Any, history: History) -> str | None:
    table = f"{history.schema}.{history.version_table}"
    if await connection.fetchval("select to_regclass($1)", table) is None:
        return None
    version: str | None = await connection.fetchval(f"select version_num from {table}")  # noqa: S608 - a name of ours
    known = history.revisions()
    if version is not None and version not in known:
        raise SettingsError(
            f"the database's {history.name} tables are newer than this hub: they stand at migration {version}, and the "
            f"last that this version knows is {known[-1] if known else 'none'}. Start the hub's newer version, or set "
            "DATABASE_URL to this version's own database; tables are never taken back"
        )
    return version


@asynccontextmanager
async def _connected(database_url: str) -> AsyncIterator[Any]:
    connection: Any = None
    try:
        connection = await asyncpg.connect(database_url, timeout=CONNECT_TIMEOUT_S)
        yield connection
    except asyncpg.InvalidPasswordError as refused:
        raise StoreError("PostgreSQL refused the user or password in DATABASE_URL; check both") from refused
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as failed:
        raise StoreError(f"the database could not be migrated: {type(failed).__name__}: {failed}") from failed
    finally:
        if connection is not None:
            await connection.close()


def _script(name: str) -> str:
    return files("infra.migrations").joinpath(f"{name}.sql").read_text(encoding="utf-8")
