"""Serving a sandbox: a handler on a port, and a process that says where it is and runs until it is told to stop."""

import asyncio
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, TypeVar

from aiohttp import web

T = TypeVar("T")

HOST: Final = "127.0.0.1"
_SHUTDOWN_S: Final = 1.0

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def listening(handle: Handler, *ports: tuple[int, ssl.SSLContext | None]) -> AsyncIterator[list[int]]:
    """Serve on the loopback until the block ends, and give the ports that were taken; 0 takes a free one."""
    # The access log is off: paths and queries belong to the caller; a server logs what it knows to be harmless.
    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        for port, context in ports:
            await web.TCPSite(runner, HOST, port, ssl_context=context, backlog=1024).start()
        yield [address[1] for address in runner.addresses]
    finally:
        await runner.cleanup()


def serve_until_stopped(sandbox: AbstractAsyncContextManager[T], told: Callable[[T], str]) -> None:
    """Serve until SIGTERM or SIGINT; blocks. What is `told` of the sandbox is printed first."""

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with sandbox as running:
            sys.stdout.write(told(running))
            sys.stdout.flush()
            await stop.wait()

    asyncio.run(serve())


def as_block(title: str, rows: Mapping[str, str]) -> str:
    """Rows for a person to read."""
    return f"{title}\n" + "".join(f"  {name:<15} {value}\n" for name, value in rows.items())
