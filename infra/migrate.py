"""Brings a database to the schema that this version of the hub needs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, Final

import asyncpg

from infra.migrations.history import HISTORIES, History
from schemas.database_failures import unreachable
from schemas.errors import SettingsError, StoreError

CONNECT_TIMEOUT_S: Final = 10
OWNER: Final = "kolaj_migrator"
_LOCK: Final = 0x4B6F6C616A  # "Kolaj"
_MAY_MIGRATE: Final = "select has_database_privilege(current_database(), 'create')"
_OWNED_BY_MIGRATOR: Final = """
    select exists (select from pg_database d join pg_roles r on r.oid = d.datdba
                   where d.datname = current_database() and r.rolname = 'kolaj_migrator')
"""
_MAY_READ: Final = """
    select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2
"""
"""Null where there is no such table."""


async def migrate(database_url: str) -> None:
    """Run every pending migration of the ledger and of the projections, all in one transaction.

    May be called at any time and by several processes at once: one works, the others wait and find nothing to do. An
    account that may not change tables, as a worker's need not, is told whether anything that it works on is pending.

    Raises:
        SettingsError: the database was brought up to date by a newer version of the hub than this one, or something is
            pending that this account may not run.
        StoreError: the database cannot be reached, or refuses a statement.
    """
    async with _connected(database_url) as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        if not await connection.fetchval(_MAY_MIGRATE):
            await _check_up_to_date(connection)
            return
        await connection.execute(_script("infra.deploy.postgres", "roles"))
        await _run(connection)


async def hand_over(database_url: str) -> None:
    """Make the hub's roles, hand the database and its tables over to `kolaj_migrator`, and migrate as it.

    Raises:
        SettingsError: the database was brought up to date by a newer version of the hub than this one.
        StoreError: the database cannot be reached, or the account is not its administrator's.
    """
    async with _connected(database_url) as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_script("infra.deploy.postgres", "roles"))
        await connection.execute(_script("infra.deploy.postgres", "owner"))
        await _run(connection)


async def pending(database_url: str) -> list[str]:
    """The migrations that were not run yet, such as `ledger/0001_ledger`, in the order they would run.

    An account that sees only some of the tables is told of those alone.

    Raises:
        SettingsError: the database was brought up to date by a newer version of the hub than this one.
        StoreError: the database cannot be reached.
    """
    async with _connected(database_url) as connection:
        return await _pending(connection)


async def _run(connection: Any) -> None:
    if await connection.fetchval(_OWNED_BY_MIGRATOR):
        # Whoever migrates, what is made belongs to the role, so that its other members can change it later.
        await connection.execute(f"set local role {OWNER}")
    for history in HISTORIES:
        await connection.execute(f"create schema if not exists {history.schema}")
        script = history.script(await _current(connection, history))
        if script.strip():  # asyncpg 0.32.0 fails on an empty one
            await connection.execute(script)
    await connection.execute(_script("infra.migrations", "grants"))


async def _check_up_to_date(connection: Any) -> None:
    account = await connection.fetchval("select current_user")
    if not [history for history in HISTORIES if await _sees(connection, history)]:
        raise SettingsError(
            f"the database has no tables that {account} may work on: run `kolaj migrate` as the owner of the tables "
            "(a member of kolaj_migrator), and make the account of DATABASE_URL a member of its role"
        )
    waiting = await _pending(connection)
    if waiting:
        raise SettingsError(
            f"the database lacks {len(waiting)} migrations ({waiting[0]} first), and {account} may not run them: run "
            "`kolaj migrate` as the owner of the tables (a member of kolaj_migrator)"
        )


async def _pending(connection: Any) -> list[str]:
    return [
        f"{history.name}/{revision}"
        for history in HISTORIES
        if await _sees(connection, history)
        for revision in history.ahead(await _current(connection, history))
    ]


async def _sees(connection: Any, history: History) -> bool:
    """Whether this account may know how far the history is, which it may where nothing is yet."""
    seen = await connection.fetchval(_MAY_READ, history.schema, history.version_table)
    return bool(await connection.fetchval(_MAY_MIGRATE)) if seen is None else bool(seen)


async def _current(connection: Any, history: History) -> str | None:
    table = f"{history.schema}.{history.version_table}"
    if await connection.fetchval(_MAY_READ, history.schema, history.version_table) is None:
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
    except OSError as failed:
        raise unreachable(failed) from failed
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as failed:
        if connection is None:
            raise unreachable(failed) from failed
        raise StoreError(f"the database could not be migrated: {type(failed).__name__}: {failed}") from failed
    finally:
        if connection is not None:
            await connection.close()


def _script(package: str, name: str) -> str:
    return files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8")
