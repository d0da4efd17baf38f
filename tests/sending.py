"""A sender at work in a test: events on the suite's broker, endpoints in its database, receivers on this machine."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from agents.pool import open_pool
from agents.sealing import Seal
from infra.credential_store import key_ring
from infra.gateway.subscriptions.store import EndpointStore
from infra.local import LocalStack
from infra.sender import run_sender
from infra.settings import Settings, read_settings
from infra.stores import prepare_stores
from schemas.ids import new_id
from streams.publisher import Publisher
from streams.records import Position
from tests.builders import a_payment_captured, a_record, lira
from tests.hub_environment import MASTER_KEY
from tests.receiver import Got
from tests.stack import fresh_database, fresh_name

OWNER = "key:shop"


@dataclass
class Sending:
    """`environment` is that of a sender in a process of its own."""

    settings: Settings
    environment: Mapping[str, str]
    pool: asyncpg.Pool
    publisher: Publisher

    @property
    def store(self) -> EndpointStore:
        return EndpointStore(self.pool, Seal(key_ring(self.settings)), OWNER)

    async def endpoint(
        self, url: str, *event_types: str, integrations: Sequence[str] | None = None
    ) -> tuple[UUID, str]:
        """An endpoint and its secret."""
        made = await self.store.add(
            url, event_types or ("payments.*",), integrations, None, partitions=self.settings.partitions
        )
        assert made is not None
        return made[0]["endpoint_id"], made[1]

    async def publish(self, count: int, *, payments: int = 1) -> list[str]:
        """So many events, the payments taking turns; their ids in the order of the log for each payment."""
        names = [new_id() for _ in range(payments)]
        topic = self.settings.topics.payment_events.name
        ids = []
        for number in range(count):
            body = a_payment_captured(lira(f"{number + 1}.00"), payment_id=names[number % payments])
            record = a_record(topic, body)
            await self.publisher.publish([record])
            ids.append(dict(record.headers)["ce_id"].decode())
        return ids

    async def publish_one(self, body: Any) -> Position:
        (position,) = await self.publisher.publish([a_record(self.settings.topics.payment_events.name, body)])
        return position

    @asynccontextmanager
    async def sender(self) -> AsyncIterator[None]:
        """One more sender in this process, until the block ends."""
        stop, ready = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run_sender(self.settings, stop, on_ready=ready.set))
            try:
                await ready.wait()
                yield
            finally:
                stop.set()

    async def status(self, endpoint_id: UUID, wanted: str) -> Any:
        """The endpoint once it has this status."""
        async with asyncio.timeout(120):
            # What a sender has decided is seen in the database alone.
            while (row := await self.store.one(endpoint_id))["status"] != wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return row

    async def settled(self, endpoint_id: UUID) -> None:
        """Returns once the endpoint has nothing left to do."""
        query = "select bool_and(following) from gateway.endpoint_lanes where endpoint_id = $1"
        async with asyncio.timeout(120):
            while not await self.pool.fetchval(query, endpoint_id):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)

    async def outcomes(self, endpoint_id: UUID) -> list[str]:
        """Of its attempts, the oldest first."""
        return [row["outcome"] for row in await self.store.deliveries(endpoint_id, 200)][::-1]


def first_copies(got: Sequence[Got]) -> list[Got]:
    """Without repeats, in the order of the first arrival."""
    return list({one.id: one for one in reversed(got)}.values())[::-1]


@asynccontextmanager
async def a_sending(stack: LocalStack, **overrides: str) -> AsyncIterator[Sending]:
    """Topics and a database of its own; no sender runs yet."""
    async with fresh_database(stack.database_url) as database_url:
        environment = {
            "KAFKA_BOOTSTRAP": stack.bootstrap,
            "DATABASE_URL": database_url,
            "KOLAJ_TOPIC_PREFIX": fresh_name("s"),
            "INTEGRATION_ENCRYPTION_KEY": MASTER_KEY,
            "KOLAJ_PARTITIONS": "2",
            "KOLAJ_SESSION_TIMEOUT_S": "6",
            "KOLAJ_RETRY_DELAYS_S": "1,2",
            "KOLAJ_DELIVERY_LOOPBACK": "true",
            "KOLAJ_DELIVERY_TIMEOUT_S": "5",
            **overrides,
        }
        settings = read_settings(environment=environment)
        await prepare_stores(settings)
        pool = await open_pool(database_url)
        try:
            async with Publisher(settings.kafka) as publisher:
                yield Sending(settings, environment, pool, publisher)
        finally:
            await pool.close()
