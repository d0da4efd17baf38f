"""The projector: follows the event topics and keeps the tables up with them, through any restart of anything."""

import asyncio
import logging
import random
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError

from projections.abreast import both
from projections.audit.anchors import Anchors, Publish
from projections.audit.write import audited
from projections.batch import STORE_FAILURES, Fenced, Span, project
from projections.catalog import PROJECTIONS
from projections.collector import collecting_seldom
from projections.entry import Place, Reader
from projections.projection import Projection
from projections.resume import begin_at
from projections.status import stands_at
from projections.trace import traced
from schemas.errors import HubError, StoreError
from streams.kafka import KafkaAccess, connected, reach
from streams.records import RawRecord
from streams.topics import Topics

log = logging.getLogger(__name__)

_POLL_MS: Final = 250
_MORE_MS: Final = 5
_SLICE: Final = 500
"""Records read in one go, some milliseconds' work; the loop serves others between two."""
_BATCH_BYTES: Final = 32 * 1024 * 1024
"""Values after which a batch is full, whatever the number of records."""
_BATCH_DEADLINE_S: Final = 120.0
_STALLED_S: Final = 30.0
_LONGEST_WAIT_S: Final = 10.0
_LOOK_AGAIN_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records that were read, and not written yet. `generation` tells under which assignment."""

    generation: int
    spans: Mapping[Place, Span]


class Projector(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka publishes no types
    """One member of the projectors' consumer group.

    Positions come from PostgreSQL alone; the group only shares the partitions out. A member that lost a partition
    without knowing it writes nothing wrong: each batch is compared with the stored positions under their lock.

    Args:
        pool: from `open_pool`; not closed here.
        publish: appends the audit heads.
        stop: set it to end `run` after the batch in hand.
        batch: records taken at once.
    """

    def __init__(
        self,
        access: KafkaAccess,
        pool: Any,
        topics: Topics,
        publish: Publish,
        stop: asyncio.Event,
        *,
        projections: Sequence[Projection] = PROJECTIONS,
        batch: int = 5_000,
        anchor_every: int = 10_000,
        anchor_each_s: float = 60.0,
    ) -> None:
        self._access = access
        self._pool = pool
        self._topics = topics
        self._stop = stop
        self._projections = projections
        self._batch = batch
        self._read = Reader(topics).read
        self._anchors = Anchors(publish, topics, every=anchor_every, each_s=anchor_each_s)
        self._audited = {topic.name for topic in audited(topics)}
        self._next: dict[Place, int] = {}
        self._ahead: _Batch | None = None
        self._generation = 0
        self._lost = True
        self._moved_at = time.monotonic()
        self._failures = 0
        self._progress = asyncio.Event()
        self.problem: str | None = None
        """What keeps the projector from working just now; None when nothing does. For readiness."""

    async def run(self) -> None:
        """Follow the log until `stop` is set. Failures of Kafka and PostgreSQL are waited out, with growing pauses."""
        with collecting_seldom():
            while not self._stop.is_set():
                try:
                    await self._session()
                except (StoreError, KafkaError, OSError) as failed:
                    await self._wait_out(failed)
            await self._anchor(last=True)

    async def caught_up(self, high_water: Mapping[Place, int], *, within_s: float = 60.0) -> None:
        """Returns once every projection stands at or past these offsets, whichever projector brought it there.

        Raises:
            TimeoutError: it took longer than `within_s`.
        """
        async with asyncio.timeout(within_s):
            while not await stands_at(self._pool, self._topics, high_water, self._projections):
                # Ours is not the only projector: what others write is seen by looking again.
                await _up_to(_LOOK_AGAIN_S, self._progress.wait())
                self._progress.clear()

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Records of partitions that were taken away are thrown away with them."""
        self._lost_place(revoked)

    async def on_partitions_assigned(self, assigned: Any) -> None:
        self._lost_place(assigned)

    def _lost_place(self, _: Any) -> None:
        self._generation += 1
        self._lost = True

    async def _session(self) -> None:
        """One connection to Kafka. PostgreSQL's failures do not end it: leaving the group would move partitions."""
        async with connected(self._access, self._consumer) as consumer:
            self._lost_place(None)
            while not self._stop.is_set():
                try:
                    await self._step(consumer)
                except (Fenced, *STORE_FAILURES) as failed:
                    # Whether a batch was written or not is for the stored positions to say.
                    self._lost = True
                    await self._wait_out(failed)

    async def _step(self, consumer: Any) -> None:
        if self._lost:
            self._ahead = None
            if not await self._find_place(consumer):
                await _up_to(_LOOK_AGAIN_S, self._stop.wait())
                return
        batch, self._ahead = self._ahead or await self._take(consumer), None
        if batch.generation != self._generation:
            return  # these may lie anywhere; the place is found again first
        if batch.spans:
            self._ahead = await self._project(batch, consumer)
        else:
            await self._watch(consumer)
        await self._anchor()
        self._failures, self.problem = 0, None

    async def _take(self, consumer: Any) -> "_Batch":
        """The next batch, read: as large as what waits allows, for one fetch often brings a part of one partition."""
        generation = self._generation
        spans: dict[Place, Span] = {}
        count = size = 0
        patience_ms = _POLL_MS
        while count < self._batch and size < _BATCH_BYTES:
            fetched = await consumer.getmany(timeout_ms=patience_ms, max_records=min(_SLICE, self._batch - count))
            if not fetched or generation != self._generation:
                break
            for partition, records in fetched.items():
                place = (partition.topic, partition.partition)
                if records and place in self._next:
                    read = tuple(self._read(RawRecord.of(record)) for record in records)
                    before = spans.get(place)
                    start, entries = (self._next[place], ()) if before is None else (before.start, before.entries)
                    self._next[place] = read[-1].offset + 1
                    spans[place] = Span(start, self._next[place], entries + read)
                    count += len(read)
                    size += sum(len(entry.raw.value or b"") for entry in read)
            patience_ms = _MORE_MS
            await asyncio.sleep(0)  # what is being written meanwhile gets its turn
        if generation == self._generation:
            await self._pass_gaps(consumer, spans)
        return _Batch(generation, spans)

    async def _pass_gaps(self, consumer: Any, spans: dict[Place, Span]) -> None:
        """Take offsets that no record shows, such as the markers of transactions, into the batch.

        Without it a partition that ends in one would never be caught up with.
        """
        for place, stop in self._next.items():
            try:
                reached = await consumer.position(TopicPartition(*place))
            except IllegalStateError:  # taken away in the meantime
                return
            if reached > stop:
                before = spans.get(place, Span(stop, stop, ()))
                spans[place] = Span(before.start, reached, before.entries)
                self._next[place] = reached

    def _consumer(self) -> Any:
        consumer = AIOKafkaConsumer(
            **self._access.options(),
            client_id="kolaj-projector",
            group_id=f"{self._topics.prefix}.projector",
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # One member gets the same partition numbers of every topic, so that those who write one job's row are one.
            partition_assignment_strategy=(RangePartitionAssignor,),
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        consumer.subscribe(sorted(self._reads), listener=self)
        return consumer

    @property
    def _reads(self) -> set[str]:
        return {name for projection in self._projections for name in projection.topic_names(self._topics)}

    async def _find_place(self, consumer: Any) -> bool:
        """Seek every assigned partition to where the projection that is furthest behind stands."""
        self._lost = False
        assigned = consumer.assignment()
        if not assigned:
            self._next = {}
            self._moved_at = time.monotonic()
            self._lost = True
            return False
        begins = await reach(self._access, lambda: consumer.beginning_offsets(list(assigned)))
        firsts = {(place.topic, place.partition): offset for place, offset in begins.items()}
        async with asyncio.timeout(_BATCH_DEADLINE_S), self._pool.acquire() as connection:
            starts = await begin_at(connection, self._projections, self._topics, firsts)
        try:
            for (topic, partition), offset in starts.items():
                consumer.seek(TopicPartition(topic, partition), offset)
        except IllegalStateError:  # taken away in the meantime
            self._lost = True
            return False
        self._next = starts
        self._moved_at = time.monotonic()
        return not self._lost

    async def _project(self, batch: "_Batch", consumer: Any) -> "_Batch":
        """Write a batch, and meanwhile read the next one.

        When one of them fails, what was read is thrown away with the place, which the stored positions tell again.
        """
        try:
            _, ahead = await both(self._write(batch.spans), self._take(consumer))
        except BaseException:
            self._lost = True
            raise
        return ahead

    async def _write(self, spans: Mapping[Place, Span]) -> None:
        entries = [entry for span in spans.values() for entry in span.entries]
        with traced(entries):
            async with asyncio.timeout(_BATCH_DEADLINE_S), self._pool.acquire() as connection:
                written = await project(connection, self._projections, self._topics, spans)
        self._moved_at = time.monotonic()
        self._lost = self._lost or written.overtaken
        self._progress.set()
        self._anchors.wrote({place: count for place, count in written.counts.items() if place[0] in self._audited})

    async def _watch(self, consumer: Any) -> None:
        """A consumer that gets nothing although there is something is replaced.

        Raises:
            StoreError: records wait, and for a while none came.
        """
        if time.monotonic() - self._moved_at < _STALLED_S:
            return
        partitions = [TopicPartition(*place) for place in self._next]
        ends = await reach(self._access, lambda: consumer.end_offsets(partitions))
        self._moved_at = time.monotonic()
        if any(end > self._next.get((place.topic, place.partition), end) for place, end in ends.items()):
            raise StoreError(f"records wait, and for {_STALLED_S:g} s none came; connecting anew")

    async def _anchor(self, *, last: bool = False) -> None:
        places = None if last else self._anchors.due()
        if places == []:
            return
        try:
            async with asyncio.timeout(_BATCH_DEADLINE_S), self._pool.acquire() as connection:
                await self._anchors.anchor(connection, places)
        except STORE_FAILURES as failed:
            if not last:
                raise
            self._report(failed)

    async def _wait_out(self, failed: BaseException) -> None:
        self._report(failed)
        self._failures += 1
        longest = min(_LONGEST_WAIT_S, 0.1 * 2**self._failures)
        await _up_to(random.uniform(longest / 2, longest), self._stop.wait())  # noqa: S311 - jitter, no secret

    def _report(self, failed: BaseException) -> None:
        self.problem = str(failed) if isinstance(failed, HubError) else f"{type(failed).__name__}: {failed}"
        log.warning("projector waits", extra={"error": self.problem})


async def _up_to(seconds: float, wait: Coroutine[Any, Any, object]) -> None:
    try:
        async with asyncio.timeout(seconds):
            await wait
    except TimeoutError:
        return
