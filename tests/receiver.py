"""A service that takes webhooks on this machine: it keeps what came, and answers as a test tells it to."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web

T = TypeVar("T")


@dataclass(frozen=True)
class Got:
    """One attempt as it arrived, in full."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Answer = Callable[[web.BaseRequest, Got], Awaitable[web.StreamResponse]]


async def taken(_: web.BaseRequest, __: Got) -> web.StreamResponse:
    return web.Response(status=204)


@dataclass
class Receiver:
    """`got` are the attempts in the order of their arrival; `answer` may be changed at any time.

    Attributes:
        connections: how many were opened, whatever came over them.
    """

    url: str = ""
    port: int = 0
    got: list[Got] = field(default_factory=list)
    answer: Answer = taken
    connections: int = 0
    _grown: asyncio.Condition = field(default_factory=asyncio.Condition)

    def at(self, path: str) -> list[Got]:
        return [got for got in self.got if got.path == path]

    async def until(self, found: Callable[[], T], *, within_s: float = 120) -> T:
        """What `found` finds, as soon as that is true."""
        async with asyncio.timeout(within_s), self._grown:
            await self._grown.wait_for(found)
        return found()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        names = {name.casefold(): value for name, value in request.headers.items()}
        got = Got(request.path, names, await request.read())
        async with self._grown:
            self.got.append(got)
            self._grown.notify_all()
        return await self.answer(request, got)


class _Counting(web.Server):
    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver.handle, access_log=None)
        self._receiver = receiver

    def connection_made(self, *arguments: Any, **named: Any) -> None:
        self._receiver.connections += 1
        super().connection_made(*arguments, **named)


@asynccontextmanager
async def receiver(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Serve until the block ends."""
    made = Receiver()
    runner = web.ServerRunner(_Counting(made), shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        _, made.port = runner.addresses[0][:2]
        made.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{made.port}"
        yield made
    finally:
        await runner.cleanup()
