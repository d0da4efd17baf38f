"""Laying down a backlog: whole batches made here, which is many times faster than record by record."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from infra.bench.load import Row
from streams.kafka import KafkaAccess, connected

_BATCH_BYTES: Final = 512 * 1024
_UNDER_WAY: Final = 24


async def append_all(access: KafkaAccess, rows: Iterable[Row]) -> int:
    """Append the records, those of one partition in the order given, and return how many they were."""
    count = 0
    making: dict[tuple[str, int], Any] = {}
    sent: deque[asyncio.Future[Any]] = deque()
    async with connected(access, lambda: _producer(access)) as producer:
        for topic, partition, key, value, headers in rows:
            place = (topic, partition)
            batch = making.get(place)
            if batch is None:
                batch = making[place] = producer.create_batch()
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                sent.append(await producer.send_batch(batch, topic, partition=partition))
                batch = making[place] = producer.create_batch()
                batch.append(timestamp=None, key=key, value=value, headers=headers)
                await asyncio.sleep(0)
                if len(sent) > _UNDER_WAY:
                    await sent.popleft()
            count += 1
        for (topic, partition), batch in making.items():
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        for acknowledged in sent:
            await acknowledged
    return count


def _producer(access: KafkaAccess) -> Any:
    return AIOKafkaProducer(
        **access.options(),
        acks="all",
        max_batch_size=_BATCH_BYTES,
        max_request_size=2 * 1024 * 1024,
    )
