"""What a server can do wrong at the socket, acted out: late answers, none, broken ones, resets."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum
from typing import Final

from aiohttp import web

from infra.sandbox.clock import SandboxClock

_GARBAGE: Final = "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
_LOOK_S: Final = 0.02
_RST_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class HttpFault(StrEnum):
    """Unless it says otherwise, the call is performed and stands in the books."""

    LATE = "late"  # performed at once, answered after `seconds`
    NEVER = "never"  # performed at once, never answered; the connection stays open until the client leaves
    PERFORM_LATE = "perform_late"  # performed after `seconds`, never answered
    ERROR_BEFORE = "500_before"  # not performed
    ERROR_AFTER = "500_after"
    RESET_BEFORE = "reset_before"  # not performed
    RESET_AFTER = "reset_after"
    GARBAGE = "garbage"  # 200 with an HTML page
    TRUNCATED = "truncated"  # 200 with the first half of the answer
    EMPTY = "empty"  # 200 with no body
    TOO_MANY = "429"  # not performed; HTTP 429 with Retry-After


def at_the_socket(kind: str) -> HttpFault | None:
    """The fault of this name that any server has; `None` where it is an answer of one provider's own."""
    return HttpFault(kind) if kind in list(HttpFault) else None


class Misbehaving:
    """Acts out faults around one server's operations, by its clock; `stop` ends what is being held back."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._stopping = asyncio.Event()
        self.late = 0  # operations that still wait for their moment

    def stop(self) -> None:
        """Release held connections; late operations that are not yet performed never will be."""
        self._stopping.set()
        self._clock.wake()

    async def act(
        self, request: web.BaseRequest, kind: HttpFault, seconds: float, perform: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        """Answer `request` as the fault says; `perform` is awaited once, or not at all."""
        match kind:
            case HttpFault.ERROR_BEFORE:
                return _error()
            case HttpFault.TOO_MANY:
                return web.Response(status=429, headers={"Retry-After": "1"}, text="Too many requests")
            case HttpFault.RESET_BEFORE:
                return _reset(request)
            case HttpFault.PERFORM_LATE:
                await self._perform_late(seconds, perform)
                await self._until_client_leaves(request)
                return _reset(request)
            case _:
                return await self._performed(request, kind, seconds, await perform())

    async def _performed(
        self, request: web.BaseRequest, kind: HttpFault, seconds: float, answer: web.Response
    ) -> web.StreamResponse:
        match kind:
            case HttpFault.LATE:
                await self.wait(seconds)
                return answer
            case HttpFault.NEVER:
                await self._until_client_leaves(request)
                return _reset(request)
            case HttpFault.ERROR_AFTER:
                return _error()
            case HttpFault.GARBAGE:
                return web.Response(text=_GARBAGE, content_type="text/html")
            case HttpFault.TRUNCATED:
                text = answer.text or ""
                return web.Response(text=text[: len(text) // 2], content_type=answer.content_type)
            case HttpFault.EMPTY:
                return web.Response(content_type=answer.content_type)
            case _:
                return _reset(request)

    async def _perform_late(self, seconds: float, perform: Callable[[], Awaitable[web.Response]]) -> None:
        # The handler outlives its client: aiohttp does not cancel it when the connection goes.
        self.late += 1
        try:
            await self.wait(seconds)
            if not self._stopping.is_set():
                await perform()
        finally:
            self.late -= 1

    async def wait(self, seconds: float) -> None:
        """Until so many seconds have passed by the clock, or it is stopped."""
        due_ms = self._clock.now_ms() + round(seconds * 1000)
        while not self._stopping.is_set() and self._clock.now_ms() < due_ms:
            await self._clock.until(due_ms, self._clock.waiting())

    async def _until_client_leaves(self, request: web.BaseRequest) -> None:
        # aiohttp does not tell a running handler that its client has gone; only the missing transport shows it.
        while not self._stopping.is_set() and request.transport is not None and not request.transport.is_closing():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._stopping.wait()


def _error() -> web.Response:
    return web.Response(status=500, text=_GARBAGE, content_type="text/html")


def _reset(request: web.BaseRequest) -> web.StreamResponse:
    """Close with a TCP reset, so that the client sees a broken connection and not a polite end."""
    transport = request.transport
    if transport is not None:
        peer = transport.get_extra_info("socket")
        if peer is not None:
            with suppress(OSError):
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        transport.abort()
    return web.Response()
