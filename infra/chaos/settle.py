"""After the last fault: wait, for a bounded time, until nothing is left to do."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
from aiokafka import TopicPartition

from infra.chaos.stage import Stage
from projections.pool import open_pool
from projections.status import high_water, stands_at
from schemas.errors import StoreError
from streams.admin import admin_client
from streams.reader import high_water_marks

_LOOK_S: Final = 0.3


class Unsettled(Exception):
    """It took longer than there was time; the message says what was still open."""


class Settling:
    """Waits that share one deadline.

    Args:
        ends: on `time.monotonic()`, in seconds.
    """

    def __init__(self, stage: Stage, ends: float) -> None:
        self._stage = stage
        self._ends = ends

    async def until(self, done: Callable[[], Awaitable[str | None]]) -> None:
        """Returns when `done` says nothing more is open.

        Raises:
            Unsettled: with what it said last.
        """
        last = "nothing was looked at"
        while time.monotonic() < self._ends:
            try:
                async with asyncio.timeout_at(asyncio.get_running_loop().time() + self._ends - time.monotonic()):
                    open_ = await done()
            except (StoreError, OSError, TimeoutError, asyncpg.PostgresError) as failed:
                open_ = f"{type(failed).__name__}: {failed}"
            if open_ is None:
                return
            last = open_
            await asyncio.sleep(_LOOK_S)
        raise Unsettled(last)

    async def handled(self) -> None:
        """Every record of the command topic is acknowledged, and every command that the ledger knows concluded."""
        await self.until(self._unhandled)

    async def performed(self) -> None:
        """The provider has done what it was asked to do."""

        async def late() -> str | None:
            count = await self._stage.provider.late()
            return f"{count} operations wait at the provider" if count else None

        await self.until(late)

    async def projected(self) -> None:
        """The tables hold all that lies in the topics now."""
        settings = self._stage.settings
        pool = await open_pool(settings.database_url.get_secret_value(), size=1)

        async def behind() -> str | None:
            marks = await high_water(settings.kafka, settings.topics)
            return None if await stands_at(pool, settings.topics, marks) else "the tables are behind the log"

        try:
            await self.until(behind)
        finally:
            await pool.close()

    async def _unhandled(self) -> str | None:
        lag = await self._lag()
        connection = await asyncpg.connect(self._stage.settings.database_url.get_secret_value(), timeout=5)
        try:
            unfinished = await connection.fetchval("select count(*) from ledger.commands where state <> 'concluded'")
            parked = await count_parked(connection)
        finally:
            await connection.close()
        if lag or unfinished or parked:
            return f"{lag} records are not acknowledged, {unfinished} commands not concluded, {parked} parked"
        return None

    async def _lag(self) -> int:
        settings = self._stage.settings
        topic = settings.topics.payment_commands.name
        marks = await high_water_marks(settings.kafka, topic)
        async with admin_client(settings.kafka) as admin:
            found = await admin.list_consumer_group_offsets(f"{settings.topic_prefix}.payments")
        committed = {place: max(0, entry.offset) for place, entry in found.items()}
        return sum(mark - committed.get(TopicPartition(topic, place), 0) for place, mark in marks.items())


async def count_parked(connection: Any) -> int:
    """Commands that wait in the ledger for a better moment."""
    if await connection.fetchval("select to_regclass('ledger.parked')") is None:
        return 0
    return int(await connection.fetchval("select count(*) from ledger.parked"))
