"""A hub of its own for each test of projections: topics, database, publisher, and projectors that run in tasks."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from infra.local import LocalStack
from infra.migrate import migrate
from projections import PROJECTIONS, Projector, high_water, open_pool
from projections.projection import Projection
from streams.admin import ensure_topics
from streams.codec import Outgoing
from streams.kafka import KafkaAccess
from streams.publisher import Publisher
from streams.records import Position
from streams.topics import Topics
from tests.stack import fresh_database, fresh_name


@dataclass
class Hub:
    access: KafkaAccess
    topics: Topics
    database_url: str
    pool: Any
    publisher: Publisher

    async def append(self, *records: Outgoing) -> list[Position]:
        return await self.publisher.publish(records)

    @asynccontextmanager
    async def projector(
        self, *, projections: Sequence[Projection] = PROJECTIONS, pool: Any = None, **options: Any
    ) -> AsyncIterator[Projector]:
        """A projector at work; stopped cleanly at the end of the block."""
        stop = asyncio.Event()
        made = Projector(
            self.access,
            pool or self.pool,
            self.topics,
            self.publisher.publish,
            stop,
            projections=projections,
            **options,
        )
        task = asyncio.create_task(made.run())
        try:
            yield made
        finally:
            stop.set()
            async with asyncio.timeout(30):
                await task

    async def project_all(self, **options: Any) -> None:
        """Run a projector until everything that is in the log is in the tables."""
        async with self.projector(**options) as projector:
            await self.reached(projector)

    async def reached(self, projector: Projector, within_s: float = 60) -> None:
        await projector.caught_up(await high_water(self.access, self.topics), within_s=within_s)

    async def rows(self, query: str, *args: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.pool.fetch(query, *args)]

    async def value(self, query: str, *args: Any) -> Any:
        return await self.pool.fetchval(query, *args)


@asynccontextmanager
async def a_hub(stack: LocalStack, *, partitions: int = 2, database_url: str | None = None) -> AsyncIterator[Hub]:
    """`database_url`: an empty database to use instead of a fresh one."""
    access = KafkaAccess(stack.bootstrap)
    topics = Topics(fresh_name("p"), partitions)
    await ensure_topics(access, topics.all(), replication=1, min_insync=1)
    database = fresh_database(stack.database_url) if database_url is None else nullcontext(database_url)
    async with database as url:
        await migrate(url)
        pool = await open_pool(url)
        try:
            async with Publisher(access) as publisher:
                yield Hub(access, topics, url, pool, publisher)
        finally:
            await pool.close()
