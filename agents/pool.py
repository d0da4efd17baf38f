"""The agents' connections to PostgreSQL."""

import json
from typing import Any, Final

import asyncpg

from schemas.database_failures import unreachable

FAILURES: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # Raised for a session that the server ended while it was idle (asyncpg 0.32, seen 2026-11), and no InterfaceError.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""All that a statement may raise when PostgreSQL, or the way to it, fails."""


_FLAT: Final = {
    # It pays off for long analytical statements only; on ours it costs more than it saves.
    "jit": "off",
    # Ours are looked up by key alone. Planned once, and never as a reading of a whole table that is small just now, a
    # statement costs the same on an empty ledger and on a full one.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
}


async def open_pool(
    database_url: str, *, size: int = 6, application_name: str = "kolaj-worker", setting: str = "DATABASE_URL"
) -> asyncpg.Pool:
    """A pool whose connections read and write JSON as Python values. `setting` is where the address came from.

    Raises:
        StoreError: the database cannot be reached or refuses the role; the message never holds the password.
    """
    try:
        pool: asyncpg.Pool = await asyncpg.create_pool(
            database_url,
            min_size=1,
            max_size=size,
            init=_prepare,
            reset=_left_as_it_is,
            command_timeout=30,
            timeout=10,
            server_settings={"application_name": application_name, **_FLAT},
        )
    except FAILURES as failed:
        raise unreachable(failed, setting) from failed
    return pool


async def _prepare(connection: Any) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _left_as_it_is(_: Any) -> None:
    """Statements of ours leave nothing behind in a session; asyncpg's own reset costs a round trip after each."""
