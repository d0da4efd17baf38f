"""Shadow tables: made like the live ones, and put in their place."""

from typing import Final

from projections.projection import Connection, Projection
from projections.statements import SHADOW, statement

LOCK_WAIT_MS: Final = 300
"""How long readers may be kept waiting for an exchange that waits for other readers."""


async def create_shadow(connection: Connection, target: Projection) -> None:
    for table in target.tables:
        # Columns, defaults, generated columns, checks and indexes, all as the migrations made them.
        await connection.execute(f'create table "{table}{SHADOW}" (like "{table}" including all)')


async def drop_shadow(connection: Connection, target: Projection) -> None:
    """Removes what a rebuild left behind, its positions too; nothing when there is nothing."""
    async with connection.transaction():
        for table in target.tables:
            await connection.execute(f'drop table if exists "{table}{SHADOW}"')
        await connection.execute("delete from projection_positions where projection = $1", target.name + SHADOW)


async def swap(connection: Connection, target: Projection) -> None:
    """Put the shadow tables in the live ones' place, inside the caller's transaction.

    Raises:
        asyncpg.LockNotAvailableError: readers hold one of them. A reader may take tables and views in any order, so
            it can wait for us while we wait for it; we give up well before PostgreSQL looks for such knots (after a
            second), so that it is never the reader who fails.
    """
    await connection.execute(f"set local lock_timeout = {LOCK_WAIT_MS}")
    for name in (*target.views, *target.tables):
        await connection.execute(f'lock table "{name}" in access exclusive mode')
    indexes: list[tuple[str, str]] = []
    for table in target.tables:
        # Grants belong to a table and are not copied with it; neither are the names of its indexes.
        for row in await connection.fetch(statement("shadow/grants"), table, f"{table}{SHADOW}"):
            await connection.execute(row["statement"])
        rows = await connection.fetch(statement("shadow/indexes"), table, f"{table}{SHADOW}")
        indexes += [(row["shadow"], row["live"]) for row in rows]
        await connection.execute(f'alter table "{table}" rename to "{table}__old"')
        await connection.execute(f'alter table "{table}{SHADOW}" rename to "{table}"')
    for view in target.views:
        # A view holds on to the table that it was made over, whatever that is called by now.
        await connection.execute(statement(f"views/{view}"))
    for table in target.tables:
        await connection.execute(f'drop table "{table}__old"')
        for row in await connection.fetch(statement("shadow/sequences"), table):
            await connection.execute(f'alter sequence "{row["sequence"]}" rename to "{table}_id_seq"')
    for shadow, live in indexes:
        await connection.execute(f'alter index "{shadow}" rename to "{live}"')
