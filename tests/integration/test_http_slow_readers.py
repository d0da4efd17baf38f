"""A client that does not read holds back the reading of its events, and no memory grows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from infra.gateway.events.streams import EventStream, EventStreams, Wanted
from infra.gateway.parts import Parts
from infra.local import LocalStack
from infra.settings import read_settings
from streams.records import RawRecord
from streams.tail import Start
from tests.api_server import a_caller, running_api
from tests.hub_environment import MASTER_KEY

BATCH = 200
VALUE = b'{"filler":"' + b"x" * 20_000 + b'"}'
READ = 10 * BATCH
MAY_LIE_IN_SOCKETS = 4 * BATCH
"""16 MB, more than the buffers of a connection over loopback."""


@dataclass
class EndlessTail:
    """A topic in which there is always more."""

    handed: int = 0

    @property
    def positions(self) -> dict[int, int]:
        return {0: self.handed}

    async def batch(self, *, most: int) -> list[RawRecord]:
        await asyncio.sleep(0)
        first = self.handed
        self.handed += most
        return [a_raw_record(offset) for offset in range(first, self.handed)]


@dataclass(frozen=True)
class EndlessStreams(EventStreams):
    tails: dict[str, EndlessTail] = field(default_factory=dict)

    @asynccontextmanager
    async def opened(
        self, wanted: Wanted, start: Start, still: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[EventStream]:
        del start
        tail: Any = self.tails.setdefault(wanted.caller.id, EndlessTail())
        yield EventStream(self, tail, wanted, still)


def a_raw_record(offset: int) -> RawRecord:
    names = {"ce_specversion": "1.0", "ce_id": str(offset), "ce_type": "t", "ce_source": "s"}
    headers = tuple((name, value.encode()) for name, value in names.items())
    return RawRecord("t", 0, offset, 0, b"k", VALUE, headers)


async def test_a_client_that_does_not_read_gets_no_further_than_what_lies_in_its_connection(
    stack: LocalStack, database_url: str, topic_prefix: str
) -> None:
    settings = read_settings(
        environment={
            "KAFKA_BOOTSTRAP": stack.bootstrap,
            "DATABASE_URL": database_url,
            "KOLAJ_TOPIC_PREFIX": topic_prefix,
            "INTEGRATION_ENCRYPTION_KEY": MASTER_KEY,
        }
    )
    made: list[EndlessStreams] = []

    def endless(parts: Parts) -> Parts:
        streams = EndlessStreams(parts.events.access, parts.events.topic, parts.stopping)
        made.append(streams)
        return replace(parts, events=streams)

    async with running_api(settings, a_caller("slow"), a_caller("quick"), change=endless) as api:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(api.url).port)
        writer.write(b"GET /v1/events HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer slow\r\n\r\n")
        await reader.readuntil(b"id: ")
        read = 0
        async with asyncio.timeout(120), api.client("quick") as quick, quick.stream("GET", "/v1/events") as answer:
            async for line in answer.aiter_lines():
                read += line.startswith("data: ")
                if read == READ:
                    break
        writer.close()
        tails = made[0].tails
        assert tails["key:quick"].handed >= READ
        assert tails["key:slow"].handed <= MAY_LIE_IN_SOCKETS
