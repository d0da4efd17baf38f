"""HTTP as bytes on a socket, for callers that no library would be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

HOST: Final = "127.0.0.1"
ANSWER_WITHIN_S: Final = 60.0


@dataclass(frozen=True)
class Raw:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send; who was cut off meanwhile is told when it reads."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            return

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, and body of the next answer."""
        async with asyncio.timeout(ANSWER_WITHIN_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
            return int(first.split()[1]), headers, body

    async def rest(self) -> bytes:
        """All that still comes before the other side closes."""
        async with asyncio.timeout(ANSWER_WITHIN_S):
            try:
                return await self.reader.read(-1)
            except ConnectionError:
                return b""


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()


def request(path: str, body: bytes = b"", *, method: str = "POST", **headers: str) -> bytes:
    """A whole request; underscores in names of headers are hyphens."""
    lines = [f"{method} {path} HTTP/1.1", "Host: hub.test"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
