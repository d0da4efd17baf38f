"""Everything that access control works with, built once for the process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from infra.accounts import now
from infra.gateway.access.caller import Authenticator
from infra.gateway.access.gatekeeper import Gatekeeper
from infra.gateway.access.key_directory import KeyDirectory


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask what."""

    authenticator: Authenticator


@asynccontextmanager
async def open_access(pool: asyncpg.Pool) -> AsyncIterator[Access]:
    """Access control for the length of the block.

    Raises:
        StoreError: PostgreSQL does not answer at the start.
    """
    keys = KeyDirectory(pool, now=now)
    await keys.refresh()
    async with asyncio.TaskGroup() as beside:
        watching = beside.create_task(keys.watch())
        try:
            yield Access(Gatekeeper(keys, None))
        finally:
            watching.cancel()
            await keys.note_use()
