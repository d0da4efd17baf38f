"""The HTTP edge on a free port of loopback, in this process, for callers whom the test makes up."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

import httpx
import uvicorn

from infra.gateway.access.caller import Caller, Stranger
from infra.gateway.app import create_app
from infra.gateway.parts import Parts
from infra.gateway.process import _parts
from infra.settings import Settings
from tests.builders import SHOP

ALL_SCOPES: Final = frozenset({"payments:write", "payments:read", "payments:resolve", "events:read", "webhooks:manage"})


def a_caller(name: str = "shop", *, scopes: frozenset[str] = ALL_SCOPES, only: frozenset[str] | None = None) -> Caller:
    return Caller(id=f"key:{name}", source=f"{SHOP}/{name}", scopes=scopes, integrations=only)


@dataclass(frozen=True)
class KnownCallers:
    """Knows callers by the last word of their id, which they send as their key."""

    callers: Mapping[str, Caller]

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        word = headers.get("authorization", "").removeprefix("Bearer ")
        if word not in self.callers:
            raise Stranger("unknown")
        return self.callers[word]


@dataclass(frozen=True)
class Api:
    """A running edge, and the parts that it works with."""

    url: str
    parts: Parts

    @asynccontextmanager
    async def client(self, word: str | None = "shop") -> AsyncIterator[httpx.AsyncClient]:
        headers = {} if word is None else {"Authorization": f"Bearer {word}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60) as client:
            yield client


@asynccontextmanager
async def running_api(
    settings: Settings, *callers: Caller, change: Callable[[Parts], Parts] = lambda parts: parts, port: int = 0
) -> AsyncIterator[Api]:
    """`change` puts other parts in the place of the usual ones. Without callers one is known, who may do everything.

    Whoever has to be told the address before the edge runs names a free port.
    """
    known = KnownCallers({one.id.partition(":")[2]: one for one in callers or (a_caller(),)})
    async with _parts(settings) as made:
        parts = change(replace(made, authenticator=known))
        config = uvicorn.Config(create_app(parts), log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", port)) as listening:
            async with asyncio.TaskGroup() as tasks:
                serving = tasks.create_task(server.serve(sockets=[listening]))
                try:
                    yield Api(f"http://127.0.0.1:{listening.getsockname()[1]}", parts)
                finally:
                    parts.stopping.set()
                    server.should_exit = True
                    await serving
