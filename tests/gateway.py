"""A gateway inside a test, on the suite's broker and database; and what lies in its topic."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeVar

import httpx

from infra.gateway.process import run_gateway
from infra.settings import Settings, read_settings
from schemas.webhooks import WebhookHandled, WebhookReceived, WebhooksRefused
from streams.codec import Incoming, decode
from streams.reader import replay
from tests.hub_environment import MASTER_KEY

WebhookEvent = WebhookReceived | WebhooksRefused | WebhookHandled
QUICK: Final = {"KOLAJ_GATEWAY_BIND": "127.0.0.1:0", "KOLAJ_GATEWAY_UNREADY_S": "0.01"}

E = TypeVar("E", bound=WebhookEvent)


@dataclass(frozen=True)
class Gateway:
    """A running one.

    Attributes:
        client: sends to it, over real sockets.
        stop: what SIGTERM sets.
    """

    base_url: str
    settings: Settings
    client: httpx.AsyncClient
    stop: asyncio.Event

    @property
    def port(self) -> int:
        return int(self.base_url.rpartition(":")[2])

    async def all_is_well(self) -> None:
        """Returns once everything that the gateway watches was looked at and found well."""
        async with asyncio.timeout(60):
            while True:
                answer = await self.client.get("/health/ready")
                if answer.status_code == HTTPStatus.OK and set(answer.json()["checks"].values()) <= {"ok", "0"}:
                    return
                await asyncio.sleep(0.1)

    async def webhooks(self, kind: type[E]) -> list[Incoming[E]]:
        """All events of this type that lie in the topic now."""
        return await webhook_events(self.settings, kind)


async def webhook_events(settings: Settings, kind: type[E]) -> list[Incoming[E]]:
    """All events of this type that lie in the topic now, in the order of their keys' partitions."""
    return [
        decode({kind.type: kind}, record.key, record.value, record.readable_headers)
        async for record in replay(settings.kafka, settings.topics.webhook_events.name, type=kind.type)
    ]


def gateway_environment(bootstrap: str, database_url: str, prefix: str, **variables: str) -> dict[str, str]:
    """The settings of a gateway that takes any free port and stops at once; `variables` are added."""
    return {
        "KAFKA_BOOTSTRAP": bootstrap,
        "DATABASE_URL": database_url,
        "KOLAJ_TOPIC_PREFIX": prefix,
        "INTEGRATION_ENCRYPTION_KEY": MASTER_KEY,
        "KOLAJ_PARTITIONS": "2",
        **QUICK,
        **variables,
    }


@asynccontextmanager
async def running_gateway(environment: Mapping[str, str]) -> AsyncIterator[Gateway]:
    """A gateway in this process until the block ends; what ended it is raised there."""
    async with gateway_of(read_settings(environment=environment)) as gateway:
        yield gateway


@asynccontextmanager
async def gateway_of(settings: Settings) -> AsyncIterator[Gateway]:
    """The same over settings that were read already."""
    stop: asyncio.Event = asyncio.Event()
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def on_ready(base_url: str, metrics_url: str | None = None) -> None:
        del metrics_url
        ready.set_result(base_url)

    running = asyncio.create_task(run_gateway(settings, stop, on_ready=on_ready))
    try:
        running.add_done_callback(lambda _: ready.cancel())
        async with asyncio.timeout(60):
            await asyncio.wait({ready})
        if running.done():
            await running
        async with httpx.AsyncClient(base_url=ready.result(), timeout=30) as client:
            yield Gateway(ready.result(), settings, client, stop)
    finally:
        stop.set()
        await running
