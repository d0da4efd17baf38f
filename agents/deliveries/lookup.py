"""Looking hosts up as this machine does."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host.

Raises:
    OSError: it has none, or nobody knows now.
"""


def addresses_of(host: str, port: int) -> list[str]:
    """All of them; it blocks until somebody answers."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


async def look_up(host: str, port: int) -> Sequence[str]:
    """A `Lookup` for whoever has few."""
    return await asyncio.get_running_loop().run_in_executor(None, addresses_of, host, port)
