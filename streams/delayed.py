"""Reading topics whose records are due some time after they were written: one delay a topic, first in, first out.

A partition whose first record is not due yet is paused, not slept on: the others go on, heartbeats and rebalances too.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import time
from typing import Any, Final, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from schemas.errors import StoreError
from streams.kafka import KafkaAccess, connected
from streams.lanes import Handler, Lanes
from streams.records import RawRecord
from streams.window import Window

log = logging.getLogger(__name__)
T = TypeVar("T")

_TICK_MS: Final = 200
_BATCH: Final = 500
_CLOSE_TIMEOUT_S: Final = 10.0


@dataclass(slots=True)
class _Share:
    """One partition during one assignment."""

    number: int
    window: Window[int]
    waiting: deque[tuple[float, RawRecord]] = field(default_factory=deque)
    """Records with the moments when they are due, in seconds since 1970."""
    finished: int | None = None
    """The next offset to read after a restart, once it has changed."""


class DelayedConsumer(Generic[T]):
    """One member's part of some delayed topics.

    Args:
        delays_s: each topic's delay, in seconds from a record's timestamp. A timestamp to come counts as now.
        group: the consumer group; positions are committed once records are done, in offset order.
        make: what is handed to `handle` for a record; the function given with it says that the record is done.
        handle: see `streams.lanes.Lanes`.
        in_flight: records worked on at one time, which bounds how fast due ones are taken up.
        drain_s: how long running ones may take to end when partitions are taken away or the consumer is stopped.
    """

    def __init__(
        self,
        access: KafkaAccess,
        delays_s: Mapping[str, float],
        *,
        group: str,
        make: Callable[[RawRecord, Callable[[], None]], T],
        handle: Handler[T],
        in_flight: int,
        session_timeout_s: float = 30,
        rebalance_timeout_s: float = 60,
        commit_interval_s: float = 0.5,
        drain_s: float = 5,
    ) -> None:
        self._access = access
        self._delays_s = dict(delays_s)
        self._group = group
        self._make = make
        self._lanes: Lanes[T] = Lanes(handle, in_flight=in_flight, queued=in_flight * 4)
        self._session_timeout_s = session_timeout_s
        self._rebalance_timeout_s = rebalance_timeout_s
        self._commit_interval_s = commit_interval_s
        self._drain_s = drain_s
        self._shares: dict[TopicPartition, _Share] = {}
        self._assignments = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then drain.

        Raises:
            ExceptionGroup: of what was fatal: a handler's error, or a `StoreError` when Kafka cannot be read.
        """
        async with connected(self._access, self._consumer) as consumer, asyncio.TaskGroup() as tasks:
            lanes = tasks.create_task(self._lanes.run())
            committing = tasks.create_task(self._commit_for_ever(consumer))
            try:
                consumer.subscribe(list(self._delays_s), listener=_Listener(self, consumer))
                while not stop.is_set() and not lanes.done():
                    await self._tick(consumer)
            finally:
                committing.cancel()
                await self._give_up(consumer, list(self._shares))
                self._lanes.stop()

    async def _tick(self, consumer: AIOKafkaConsumer) -> None:
        try:
            found: Mapping[TopicPartition, Sequence[Any]] = await consumer.getmany(
                timeout_ms=_TICK_MS, max_records=_BATCH
            )
        except KafkaError as bad:
            raise StoreError(f"reading {', '.join(self._delays_s)} failed: {bad!r}") from bad
        for partition, records in found.items():
            share = self._shares.get(partition)
            if share is None:
                continue
            share.waiting.extend(self._due(partition.topic, RawRecord.of(record)) for record in records)
            if records:
                _pause(consumer, partition)
        for partition, share in list(self._shares.items()):
            await self._hand_out(consumer, partition, share)

    async def _hand_out(self, consumer: AIOKafkaConsumer, partition: TopicPartition, share: _Share) -> None:
        if not share.waiting:
            return
        while share.waiting and share.waiting[0][0] <= time() and not self._lanes.full:
            _, record = share.waiting.popleft()
            ticket = share.window.admit(record.offset, record.offset)
            name = (record.key or b"").decode("utf-8", "backslashreplace")
            await self._lanes.submit((*partition, share.number), name, self._make(record, ticket.done))
        if not share.waiting and self._shares.get(partition) is share and partition in consumer.assignment():
            consumer.resume(partition)

    def _due(self, topic: str, record: RawRecord) -> tuple[float, RawRecord]:
        return min(record.timestamp_ms / 1000, time()) + self._delays_s[topic], record

    def take(self, partitions: Sequence[TopicPartition]) -> None:
        """Partitions were assigned to us."""
        for partition in partitions:
            self._assignments += 1
            share = _Share(self._assignments, Window(partial(self._finish, partition)))
            self._shares[partition] = share

    async def give_up(self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
        """Partitions are being taken away: what runs may end, what has not begun is left to the next owner."""
        await self._give_up(consumer, partitions)

    async def _give_up(self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
        shares = {partition: self._shares[partition] for partition in partitions if partition in self._shares}
        for share in shares.values():
            share.waiting.clear()
        revoking = (
            self._lanes.revoke((*partition, share.number), within_s=self._drain_s)
            for partition, share in shares.items()
        )
        await asyncio.gather(*revoking)
        await self._commit(consumer)
        for partition, share in shares.items():
            share.window.close()
            if self._shares.get(partition) is share:
                del self._shares[partition]

    def _finish(self, partition: TopicPartition, offset: int) -> None:
        share = self._shares.get(partition)
        if share is not None:
            share.finished = offset + 1

    async def _commit_for_ever(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            await asyncio.sleep(self._commit_interval_s)
            await self._commit(consumer)

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        held = consumer.assignment()
        offsets = {
            partition: share.finished
            for partition, share in self._shares.items()
            if share.finished is not None and partition in held
        }
        if not offsets:
            return
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await consumer.commit(offsets)
        except (KafkaError, IllegalStateError, TimeoutError) as bad:
            # What is not committed comes again, to us or to the next owner; it has been done, and does nothing twice.
            log.warning("positions not committed", extra={"group": self._group, "why": repr(bad)})
            return
        for partition, offset in offsets.items():
            share = self._shares.get(partition)
            if share is not None and share.finished == offset:
                share.finished = None

    def _consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self._access.options(),
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(self._session_timeout_s * 1000),
            heartbeat_interval_ms=int(self._session_timeout_s * 1000 / 4),
            rebalance_timeout_ms=int(self._rebalance_timeout_s * 1000),
        )


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is not typed
    def __init__(self, delayed: DelayedConsumer[Any], consumer: AIOKafkaConsumer) -> None:
        self._delayed = delayed
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        await self._delayed.give_up(self._consumer, list(revoked))

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self._delayed.take(list(assigned))


def _pause(consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
    if partition in consumer.assignment():
        consumer.pause(partition)
