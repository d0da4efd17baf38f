"""How many requests a second the provider answers: it must not be what the loops wait for."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

_CONNECTIONS: Final = 50
_IN_LINE: Final = 4
"""Requests that stand in line on one connection, so that the client costs little beside the provider."""
_STATUS: Final = b"HTTP/1.1 200"


async def provider_rate(url: str, bodies: Sequence[bytes], *, seconds: float) -> float:
    """Answers a second, asked with `bodies` in turn."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 0
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
    requests = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    loop = asyncio.get_running_loop()
    clients = [_Client(requests, number) for number in range(_CONNECTIONS)]
    began = time.monotonic()
    for client in clients:
        await loop.create_connection(_always(client), host, port)
    await asyncio.sleep(seconds)
    answered = sum(client.answered for client in clients)
    spent_s = time.monotonic() - began
    for client in clients:
        client.close()
    return answered / spent_s


def _always(client: "_Client") -> Callable[[], "_Client"]:
    return lambda: client


class _Client(asyncio.Protocol):
    def __init__(self, requests: Sequence[bytes], number: int) -> None:
        self._requests = requests
        self._next = number
        self._transport: Any = None
        self.answered = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._ask(_IN_LINE)

    def data_received(self, data: bytes) -> None:
        ended = data.count(_STATUS)
        self.answered += ended
        self._ask(ended)

    def close(self) -> None:
        self._transport.close()

    def _ask(self, count: int) -> None:
        for _ in range(count):
            self._transport.write(self._requests[self._next % len(self._requests)])
            self._next += _CONNECTIONS
