"""The kill switch: an operator stops an integration, and from then on nothing is sent to it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from agents.sql import statement

_LOOK_AGAIN_S: Final = 0.02
_READERS_END_S: Final = 5.0
"""Statements of workers end in milliseconds; who looks at the stops for longer is a backup or a person."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop as it stands.

    Attributes:
        fresh: whether it was set just now; else an earlier one stands.
    """

    integration_id: str
    stopped_by: str
    why: str
    stopped_at: datetime
    fresh: bool = False


class Stops:
    """The stops in the ledger. Every method raises what asyncpg raises."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def set(self, integration_id: str, by: str, why: str) -> Stop:
        """Stop an integration. The mark that comes before every send is refused from now on.

        What was marked before may still be leaving: `settled` waits for its end.
        """
        return Stop(**dict(await self._pool.fetchrow(statement("stop"), integration_id, by, why)))

    async def settled(self, integration_id: str) -> int:
        """Returns once nothing that was marked before the stop can still be sent; how many calls that were.

        It takes as long as the longest call that is under way, at most a lease.
        """
        await self._readers_end()
        claims = await self._pool.fetch(statement("under_way"), integration_id)
        keys, epochs = [row["key"] for row in claims], [row["epoch"] for row in claims]
        # A claim ends with its conclusion, by being parked, or with its lease.
        while await self._pool.fetchval(statement("still_held"), keys, epochs):  # noqa: ASYNC110 - seen there alone
            await asyncio.sleep(_LOOK_AGAIN_S)
        return len(claims)

    async def all(self) -> Sequence[dict[str, Any]]:
        """Who stopped what, when and why, and how many commands wait for it."""
        return [dict(row) for row in await self._pool.fetch(statement("list_stops"))]

    async def knows(self, integration_id: str) -> bool:
        """Whether anything was ever sent to this integration, or waits for it."""
        return bool(await self._pool.fetchval(statement("known_integration"), integration_id))

    async def lift(self, stop: Stop) -> bool:
        """Let the integration go on. False: that stop does not stand any more."""
        lifted = await self._pool.fetchval(statement("start"), stop.integration_id, stop.stopped_at)
        return lifted is not None

    async def _readers_end(self) -> None:
        """Wait for statements that began before the stop was there, and so may mark without having seen it."""
        before = {row[0] for row in await self._pool.fetch(statement("stop_readers"))}
        try:
            async with asyncio.timeout(_READERS_END_S):
                while before:
                    await asyncio.sleep(_LOOK_AGAIN_S)
                    before &= {row[0] for row in await self._pool.fetch(statement("stop_readers"))}
        except TimeoutError:
            return
