"""The loop that every other is measured against: read, call, append. No ledger, no breaker, no schema, no retry.

It reads requests that are ready made, sends them with the same HTTP client as the hub, and appends the answers as they
come. It is as fast as these three clients allow on one core with this many calls at a time.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import aiohttp
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from httpx_aiohttp import AiohttpTransport

from streams.kafka import KafkaAccess, connected

IN_FLIGHT: Final = 100
"""As many calls at one time as the hub makes to one integration by default."""
_HEADERS: Final = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


async def loop(
    access: KafkaAccess, requests: str, answers: str, url: str, stop: asyncio.Event, *, on_ready: Callable[[], None]
) -> None:
    """Take requests from one topic to `url`, and what it answers to the other topic, until `stop` is set."""
    async with (
        connected(access, lambda: _consumer(access, requests)) as consumer,
        connected(access, lambda: _producer(access)) as producer,
        httpx.AsyncClient(transport=AiohttpTransport(client=_session), trust_env=False) as client,
    ):
        on_ready()
        while not stop.is_set():
            fetched = await consumer.getmany(timeout_ms=200, max_records=IN_FLIGHT * 10)
            waiting = iter([record for records in fetched.values() for record in records])

            async def work(waiting: Any = waiting) -> None:
                for record in waiting:
                    answer = await client.post(url, content=record.value, headers=_HEADERS)
                    await producer.send(answers, value=answer.content, key=record.key)

            async with asyncio.TaskGroup() as tasks:
                for _ in range(IN_FLIGHT):
                    tasks.create_task(work())
            await producer.flush()
            await consumer.commit()


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT), cookie_jar=aiohttp.DummyCookieJar())


def _consumer(access: KafkaAccess, topic: str) -> Any:
    return AIOKafkaConsumer(
        topic,
        **access.options(),
        group_id=f"{topic}.bare",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )


def _producer(access: KafkaAccess) -> Any:
    return AIOKafkaProducer(**access.options(), acks="all", enable_idempotence=True, linger_ms=0)
