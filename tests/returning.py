"""Return addresses at work inside a test: a hub's desk behind real sockets, its tables kept up by a real projector."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
import trustme
import uvicorn
from fastapi import FastAPI

from agents.vault.keyring import KeyRing
from infra.gateway import problems
from infra.gateway.access.caller import Caller, Stranger
from infra.gateway.returns import router
from infra.gateway.returns.completing import Completing
from infra.gateway.returns.desk import Place, Returns
from infra.gateway.returns.standing import Standing
from providers.connector import Integration
from schemas.payments.notices import TakeNotice
from streams.codec import Incoming, Outgoing, decode
from streams.publisher import Publisher
from streams.reader import replay
from tests.projecting import Hub

SHOP: Final = "https://shop.example"
BACKEND: Final = {"Authorization": "Bearer backend"}
ONE_SHOP: Final = {"Authorization": "Bearer one-shop"}
READER: Final = {"Authorization": "Bearer reader"}
CALLERS: Final = {
    "Bearer backend": Caller("key:backend", "backend", frozenset({"payments:write"})),
    "Bearer one-shop": Caller("key:one", "one", frozenset({"payments:write"}), frozenset({"iyzico-main"})),
    "Bearer reader": Caller("key:reader", "reader", frozenset({"payments:read"})),
}


class Doorman:
    """Knows the callers above."""

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        caller = CALLERS.get(headers.get("authorization", ""))
        if caller is None:
            raise Stranger("missing")
        return caller


class QuietServer(uvicorn.Server):
    """One that leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Desk:
    """A running desk. `clock` is what it takes for now; `None` for the real time."""

    base_url: str
    client: httpx.AsyncClient
    returns: Returns
    clock: list[datetime] = field(default_factory=list)

    async def address(self, payment_id: UUID, to: str, **asked: Any) -> str:
        path = f"/v1/payments/{payment_id}/return-address"
        answer = await self.client.post(path, json={"to": to, **asked}, headers=BACKEND)
        assert answer.status_code == 200, answer.text
        address: str = answer.json()["address"]
        return address


@asynccontextmanager
async def a_desk(
    database: asyncpg.Pool,
    publisher: Publisher,
    commands: str,
    *origins: str,
    host: str = "localhost",
    integrations: Mapping[str, Integration] | None = None,
    certificate: trustme.LeafCert | None = None,
) -> AsyncIterator[Desk]:
    """A desk that listens at a free port, under `host` as browsers reach it; by TLS with a certificate."""
    clock: list[datetime] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        scheme = "http" if certificate is None else "https"
        base_url = f"{scheme}://{host}:{listening.getsockname()[1]}"
        place = Place(base_url, (SHOP, *origins), commands)
        ring = KeyRing([b"m" * 32])
        completing = Completing(integrations or {})
        returns = Returns(
            place, ring, publisher, Standing(database), completing, now=lambda: clock[0] if clock else datetime.now(UTC)
        )
        app = FastAPI()
        app.state.parts = SimpleNamespace(returns=returns, authenticator=Doorman(), access=None)
        problems.install(app)
        app.include_router(router)
        # Whose certificate it is, is not what a desk is tested for.
        client_of = httpx.AsyncClient(base_url=base_url, timeout=30, verify=certificate is None)
        async with serving(app, listening, certificate), client_of as client:
            yield Desk(base_url, client, returns, clock)


@asynccontextmanager
async def serving(
    app: Any, listening: socket.socket, certificate: trustme.LeafCert | None = None
) -> AsyncIterator[None]:
    """An application that answers there until the block ends."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=5)
    config.load()
    if certificate is not None:
        config.ssl = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(config.ssl)
    server = QuietServer(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await running


async def questions(hub: Hub) -> list[Incoming[TakeNotice]]:
    """The commands that returns became, as they lie in the topic now."""
    return [
        decode({TakeNotice.type: TakeNotice}, record.key, record.value, record.readable_headers)
        async for record in replay(hub.access, hub.topics.payment_commands.name, type=TakeNotice.type)
    ]


async def question_about(hub: Hub, payment_id: UUID) -> Incoming[TakeNotice]:
    """The first such command about this payment, as soon as it is there."""
    async with asyncio.timeout(60):
        while True:
            for found in await questions(hub):
                if found.body.payment_id == payment_id:
                    return found
            await asyncio.sleep(0.1)


async def answer(hub: Hub, payment_id: UUID, result: Any) -> None:
    """Publish what a worker makes of the question, once it was put: `result` is called with the command's id."""
    asked = await question_about(hub, payment_id)
    record: Outgoing = result(asked.envelope.id)
    await hub.append(record)
