"""Reading topics whose records are due some time after they were written: one delay a topic, first in, first out.

A partition whose first record is not due yet is paused, not slept on: the others go on, heartbeats and rebalances too.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from schemas.errors import StoreError
from streams.kafka import KafkaAccess, connected
from streams.lag import Place
from streams.lanes import Handler, Lanes
from streams.records import RawRecord
from streams.refusal import not_allowed
from streams.watching import Bounds, GroupWatch, OnOverdue, untold
from streams.window import Window

log = logging.getLogger(__name__)
T = TypeVar("T")

_TICK_MS: Final = 200
_BATCH: Final = 500
"""Records that wait in memory for one partition, at most."""
_FETCH_BYTES: Final = 64 * 1024
"""A fetch is thrown away with each pause but for one batch; small records need no more."""
_CLOSE_TIMEOUT_S: Final = 10.0


@dataclass(slots=True)
class _Share:
    """One partition during one assignment."""

    number: int
    window: Window[int]
    waiting: deque[tuple[float, RawRecord]] = field(default_factory=deque)
    """Records with the moments when they are due, in seconds on CLOCK_BOOTTIME."""
    finished: int | None = None
    """The next offset to read after a restart, once it has changed."""

    def due(self, now: float) -> bool:
        return bool(self.waiting) and self.waiting[0][0] <= now


class DelayedConsumer(Generic[T]):
    """One member's part of some delayed topics.

    Args:
        delays_s: each topic's delay, in seconds from a record's timestamp. A timestamp to come counts as now.
        group: the consumer group; positions are committed once records are done, in offset order.
        make: what is handed to `handle` for a record; the function given with it says that the record is done.
        handle: see `streams.lanes.Lanes`.
        in_flight: records worked on at one time, which bounds how fast due ones are taken up.
        drain_s: how long running ones may take to end when partitions are taken away or the consumer is stopped.
        bounds: when the consumer is not well. Its lag counts from the moments when records are due.
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
        bounds: Bounds | None = None,
        on_overdue: OnOverdue = untold,
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
        self._rebalancing = True
        self._assignments = 0
        self._committing = asyncio.Lock()
        self.watch = GroupWatch(access, group, self._held, bounds or Bounds(), self._delays_s, on_overdue)

    @property
    def running(self) -> int:
        """Records worked on just now."""
        return self._lanes.running

    @property
    def waiting(self) -> int:
        """Records in memory that are not due yet, or have found no room."""
        return sum(len(share.waiting) for share in self._shares.values())

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then drain.

        Raises:
            ExceptionGroup: of what was fatal: a handler's error, or a `StoreError` when Kafka cannot be read or nothing
                comes although records wait.
        """
        async with connected(self._access, self._consumer) as consumer, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._lanes.run())
            beside = [
                # A client may wait without end for a group that is being put together: `stop` must not wait with it.
                tasks.create_task(self._read_for_ever(consumer)),
                tasks.create_task(self._commit_for_ever(consumer)),
                tasks.create_task(self.watch.run()),
            ]
            try:
                await stop.wait()
            finally:
                for task in beside:
                    task.cancel()
                await self.give_up(consumer, list(self._shares))
                self._lanes.stop()

    def take(self, partitions: Sequence[TopicPartition]) -> None:
        """Partitions were assigned to us."""
        self._rebalancing = False
        for partition in partitions:
            self._assignments += 1
            self._shares[partition] = _Share(self._assignments, Window(partial(self._finish, partition)))

    async def give_up(self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
        """Partitions are being taken away: what runs may end, what has not begun is left to the next owner."""
        self._rebalancing = True
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

    async def _read_for_ever(self, consumer: AIOKafkaConsumer) -> None:
        consumer.subscribe(list(self._delays_s), listener=_Listener(self, consumer))
        while True:
            try:
                found: Mapping[TopicPartition, Sequence[Any]] = await consumer.getmany(
                    timeout_ms=_TICK_MS, max_records=_BATCH
                )
            except KafkaError as bad:
                raise StoreError(not_allowed(bad) or f"reading {', '.join(self._delays_s)} failed: {bad!r}") from bad
            for partition, records in found.items():
                self._keep(consumer, partition, records)
            await self._hand_out()
            for partition, share in self._shares.items():
                if not share.waiting and not self._rebalancing:
                    consumer.resume(partition)

    def _keep(self, consumer: AIOKafkaConsumer, partition: TopicPartition, records: Sequence[Any]) -> None:
        if not records:
            return
        share = self._shares.get(partition)
        if share is None:
            # They came before we were told that the partition is ours. Passed over, nobody would handle them.
            consumer.seek(partition, records[0].offset)
            return
        share.waiting.extend((self._due(partition.topic, record.timestamp), RawRecord.of(record)) for record in records)
        consumer.pause(partition)

    async def _hand_out(self) -> None:
        """Give what is due to the lanes, one record of each partition in turn, so that none waits for another's."""
        now = _boottime()
        while due := [(partition, share) for partition, share in self._shares.items() if share.due(now)]:
            for partition, share in due:
                if self._lanes.full:
                    self._begin_with(partition)
                    return
                _, record = share.waiting.popleft()
                ticket = share.window.admit(record.offset, record.offset)
                name = (record.key or b"").decode("utf-8", "backslashreplace")
                await self._lanes.submit((*partition, share.number), name, self._make(record, ticket.done))

    def _begin_with(self, partition: TopicPartition) -> None:
        """The next time, ask this partition first: the ones before it were served."""
        order = list(self._shares)
        start = order.index(partition)
        self._shares = {other: self._shares[other] for other in order[start:] + order[:start]}

    def _due(self, topic: str, timestamp_ms: int) -> float:
        """When a record is due. From here on no step of the clock matters."""
        waited_s = max(0.0, time.time() - timestamp_ms / 1000)
        return _boottime() + max(0.0, self._delays_s[topic] - waited_s)

    def _held(self) -> Mapping[Place, bool] | None:
        if self._rebalancing:
            return None
        now, full = _boottime(), self._lanes.full
        return {
            (*partition,): full or len(share.window) > 0 or (bool(share.waiting) and not share.due(now))
            for partition, share in self._shares.items()
        }

    def _finish(self, partition: TopicPartition, offset: int) -> None:
        share = self._shares.get(partition)
        if share is not None:
            share.finished = offset + 1

    async def _commit_for_ever(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            await asyncio.sleep(self._commit_interval_s)
            await self._commit(consumer)

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        # One after the other: an older position that is sent again must not overtake a newer one.
        async with self._committing:
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
                # What is not committed comes again, to us or the next owner; it has been done, and does nothing twice.
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
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_FETCH_BYTES,
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


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
