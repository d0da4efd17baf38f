"""When records were appended to a topic, by the broker's own clock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.kafka import KafkaAccess, connected

_LOOK_AGAIN_S: Final = 0.1
_POLL_MS: Final = 500


@dataclass(frozen=True, slots=True)
class Appended:
    """One record: its key, its `ce_type` and when it was appended, in milliseconds since 1970."""

    key: bytes
    kind: bytes
    at_ms: int
    value: bytes


class Growth:
    """Watches one topic from where it ended when the watch began."""

    def __init__(self, consumer: Any, ends: dict[TopicPartition, int]) -> None:
        self._consumer = consumer
        self._begin = ends

    async def count(self) -> int:
        """How many records came since."""
        ends = await self._consumer.end_offsets(list(self._begin))
        return sum(ends[place] - first for place, first in self._begin.items())

    async def reaches(self, count: int, *, within_s: float, note: Callable[[int], Awaitable[None]]) -> None:
        """Return once so many came; `note` is told how many there are, a few times each second.

        Raises:
            TimeoutError: too few within `within_s`.
        """
        async with asyncio.timeout(within_s):
            while (found := await self.count()) < count:
                await note(found)
                # The broker tells nobody that a topic grows; it is asked.
                await asyncio.sleep(_LOOK_AGAIN_S)
            await note(found)

    async def records(self) -> list[Appended]:
        """All that came since, in no order."""
        ends = await self._consumer.end_offsets(list(self._begin))
        left = {place for place, first in self._begin.items() if first < ends[place]}
        for place in left:
            self._consumer.seek(place, self._begin[place])
        found: list[Appended] = []
        while left:
            for place, records in (await self._consumer.getmany(*left, timeout_ms=_POLL_MS)).items():
                found += [
                    Appended(
                        record.key or b"", dict(record.headers).get("ce_type", b""), record.timestamp, record.value
                    )
                    for record in records
                    if record.offset < ends[place]
                ]
                if await self._consumer.position(place) >= ends[place]:
                    left.discard(place)
        return found


@asynccontextmanager
async def growth(access: KafkaAccess, topic: str, partitions: int) -> AsyncIterator[Growth]:
    """A watch on `topic`, from its present end."""
    async with connected(access, lambda: _consumer(access)) as consumer:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(places)
        yield Growth(consumer, await consumer.end_offsets(places))


def steady_rate(moments_ms: Sequence[int], *, cut: float = 0.1) -> float:
    """Records a second between the first and the last `cut` of them, which begin and end slowly.

    Raises:
        ValueError: too few, or all at one moment.
    """
    ordered = sorted(moments_ms)
    edge = int(len(ordered) * cut)
    first, last = edge, len(ordered) - 1 - edge
    if last <= first or ordered[last] == ordered[first]:
        raise ValueError(f"{len(ordered)} records are too few to tell a rate; ask for more")
    return (last - first) * 1000 / (ordered[last] - ordered[first])


def _consumer(access: KafkaAccess) -> Any:
    return AIOKafkaConsumer(
        **access.options(),
        client_id="kolaj-bench",
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
