"""The far side of a call: a real HTTP server on the loopback whose behaviour each test writes itself."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web

Behaviour = Callable[["FarSide", web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class FarSide:
    """What it received, and what it does next; `leave` ends whatever is being held back."""

    base_url: str
    behaviour: Behaviour
    received: list[tuple[str, str, bytes]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    async def all_arrived(self, count: int) -> None:
        """Wait until so many requests were received."""
        while len(self.received) < count:
            self.arrived.clear()
            await self.arrived.wait()


def answering(status: int, body: bytes = b"", content_type: str = "application/json", **headers: str) -> Behaviour:
    async def answer(_far: FarSide, _request: web.BaseRequest) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers={"Content-Type": content_type, **named})

    return answer


async def hanging(far: FarSide, _request: web.BaseRequest) -> web.StreamResponse:
    await far.leave.wait()
    return web.Response(status=200, body=b"{}", content_type="application/json")


async def resetting(_far: FarSide, request: web.BaseRequest) -> web.StreamResponse:
    """A TCP reset instead of an answer."""
    transport = request.transport
    assert transport is not None
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return web.Response()


async def cutting_off(far: FarSide, request: web.BaseRequest) -> web.StreamResponse:
    """Headers that promise more than comes."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"status":"success"')
    return await resetting(far, request)


async def hanging_midway(far: FarSide, request: web.BaseRequest) -> web.StreamResponse:
    """The beginning of an answer, and then nothing more."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"status":"success"')
    await far.leave.wait()
    return response


@asynccontextmanager
async def far_side(behaviour: Behaviour) -> AsyncIterator[FarSide]:
    far = FarSide("", behaviour)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        far.received.append((request.method, request.path_qs, await request.read()))
        far.arrived.set()
        return await far.behaviour(far, request)

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        far.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield far
    finally:
        far.leave.set()
        with suppress(OSError):
            await runner.cleanup()


def a_dead_address() -> str:
    """An address where nobody listens: the port was free a moment ago and is given back."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
