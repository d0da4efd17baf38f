"""One topic to be read from any place, by many readers that stand at different places: few consumers serve them all.

What was appended last is kept in memory, so that readers who follow closely cost Kafka nothing.
"""

import asyncio
import logging
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.errors import StoreError
from streams.kafka import KafkaAccess, reach, stop
from streams.records import RawRecord
from streams.refusal import not_allowed

# Its client tells each time that it is to read elsewhere, which here is all the time.
logging.getLogger("aiokafka.consumer.subscription_state").setLevel(logging.WARNING)

_FETCH_BYTES: Final = 256 * 1024
_POLL_MS: Final = 1_000
_LONGEST_WAIT_MS: Final = 100
"""Of a fetch at the end of the log: the next reader must not wait for the last one's."""
_KEPT_RECORDS: Final = 2_000
_KEPT_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records in offset order, and the offset to go on with."""

    records: Sequence[RawRecord]
    next_offset: int


@dataclass(slots=True)
class _Tail:
    """The newest records of a partition without a gap: all of the log from `first` to before `end`."""

    first: int
    end: int
    size: int = 0
    records: list[RawRecord] = field(default_factory=list)


def _offset(record: RawRecord) -> int:
    return record.offset


class PartitionLog:
    """As an async context manager.

    Args:
        consumers: that read at one time; who needs one waits for it.
    """

    def __init__(self, access: KafkaAccess, topic: str, *, consumers: int = 4) -> None:
        self._access = access
        self._topic = topic
        self._consumers = [self._consumer() for _ in range(consumers)]
        self._idle: asyncio.Queue[Any] = asyncio.Queue()
        self._tails: dict[int, _Tail] = {}

    async def __aenter__(self) -> Self:
        try:
            for consumer in self._consumers:
                await reach(self._access, consumer.start)
                self._idle.put_nowait(consumer)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    def keep(self, partition: int, records: Sequence[RawRecord]) -> None:
        """Remember records that somebody read for all: in offset order, each batch where the last one ended."""
        if not records:
            return
        tail = self._tails.get(partition)
        if tail is None or tail.end != records[0].offset:
            # A transaction's marker may lie between; then it begins anew, and who is behind asks Kafka.
            tail = self._tails[partition] = _Tail(records[0].offset, records[0].offset)
        for record in records:
            tail.records.append(record)
            tail.size += len(record.value or b"")
        tail.end = records[-1].offset + 1
        if len(tail.records) > _KEPT_RECORDS or tail.size > _KEPT_BYTES:
            half = len(tail.records) // 2
            tail.size -= sum(len(record.value or b"") for record in tail.records[:half])
            tail.first = tail.records[half].offset
            del tail.records[:half]

    async def read(self, partition: int, offset: int, before: int, *, most: int) -> Batch:
        """The next records from an offset, none at or past `before`; may be none, and then `next_offset` tells why.

        Raises:
            StoreError: Kafka does not answer, or has no such offset any more.
        """
        tail = self._tails.get(partition)
        if tail is not None and tail.first <= offset < tail.end:
            start = bisect_left(tail.records, offset, key=_offset)
            found = [record for record in tail.records[start : start + most] if record.offset < before]
            if found:
                return Batch(found, found[-1].offset + 1)
        place = TopicPartition(self._topic, partition)
        async with self._borrowed() as consumer:
            consumer.assign([place])
            consumer.seek(place, offset)
            fetched = (await consumer.getmany(place, timeout_ms=_POLL_MS, max_records=most)).get(place, [])
            after = await consumer.position(place)
        records = [RawRecord.of(record) for record in fetched if record.offset < before]
        return Batch(records, records[-1].offset + 1 if records else min(after, before))

    async def offset_at(self, partition: int, moment: datetime) -> int:
        """The offset of the first record of this moment or later; where there is none, the one that comes next.

        Raises:
            StoreError: Kafka does not answer.
        """
        place = TopicPartition(self._topic, partition)
        async with self._borrowed() as consumer:
            found = (await consumer.offsets_for_times({place: int(moment.timestamp() * 1000)})).get(place)
            return int(found.offset if found is not None else (await consumer.end_offsets([place]))[place])

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[Any]:
        consumer = await self._idle.get()
        try:
            yield consumer
        except OffsetOutOfRangeError as gone:
            raise StoreError(
                f"{self._topic} does not reach to where it is to be read from: it was restored to a moment before, or "
                "retention deleted it; name the moment to go on from"
            ) from gone
        except (KafkaError, OSError) as bad:
            raise StoreError(
                not_allowed(bad) or f"Kafka at {self._access.bootstrap} failed while reading: {bad!r}"
            ) from bad
        finally:
            self._idle.put_nowait(consumer)

    async def _stop(self) -> None:
        for consumer in self._consumers:
            await stop(consumer.stop)

    def _consumer(self) -> Any:
        return AIOKafkaConsumer(
            **self._access.options(),
            client_id="kolaj-partition-log",
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=_LONGEST_WAIT_MS,
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
