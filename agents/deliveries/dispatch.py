"""Dispatching: reading the events once for all endpoints, and noting which lanes have something to do.

A partition's mark and the lanes that stop following move in one transaction, under a count of all changes of endpoints:
what was subscribed to before an event was dispatched is never missed, whatever this process knew. Slow endpoints hold
nothing up here, since nothing is sent from here.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from agents.deliveries.lanes import Lane
from agents.deliveries.message import Wanted
from agents.deliveries.sql import statement
from agents.pool import FAILURES
from schemas.errors import StoreError
from streams.kafka import KafkaAccess, connected
from streams.partition_log import PartitionLog
from streams.records import RawRecord
from streams.refusal import not_allowed

log = logging.getLogger(__name__)

_POLL_MS: Final = 500
_BATCH: Final = 500
_AGAIN_S: Final = 1.0
"""After PostgreSQL failed."""


class _Stale(Exception):
    """Endpoints have changed since they were read."""


class Dispatcher:
    """One sender's part of the events.

    Args:
        group: whose members share the partitions. Where it goes on is told by the marks, not by the group.
        on_behind: told of each lane that has something to do now.
    """

    def __init__(
        self,
        access: KafkaAccess,
        topic: str,
        *,
        group: str,
        pool: asyncpg.Pool,
        events: PartitionLog,
        on_behind: Callable[[Lane], None],
    ) -> None:
        self._access = access
        self._topic = topic
        self._group = group
        self._pool = pool
        self._events = events
        self._on_behind = on_behind
        self._placed: set[TopicPartition] = set()
        self._revision: int | None = None
        self._wanted: Mapping[UUID, Wanted] = {}
        self.problem: str | None = "no partition was assigned yet"
        """Why nothing is dispatched now; `None` while it is well."""

    async def run(self) -> None:
        """Dispatch until cancelled. An outage of PostgreSQL is waited out.

        Raises:
            StoreError: Kafka failed in a way that a restart has to mend.
        """
        async with connected(self._access, self._consumer) as consumer:
            consumer.subscribe([self._topic], listener=_Listener(self._placed))
            while True:
                await self._insisting(lambda: self._place(consumer))
                try:
                    found = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH)
                except KafkaError as bad:
                    raise StoreError(not_allowed(bad) or f"reading {self._topic} failed: {bad!r}") from bad
                batch = {
                    place.partition: [RawRecord.of(record) for record in records]
                    for place, records in found.items()
                    if records and place in self._placed
                }
                if batch:
                    await self._insisting(lambda batch=batch: self._take(batch))  # type: ignore[misc]  # its default binds it

    async def _insisting(self, act: Callable[[], Any]) -> None:
        while True:
            try:
                await act()
            except StoreError as failed:
                log.warning("events are not dispatched now", extra={"why": str(failed)})
                self.problem = str(failed)
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    async def _place(self, consumer: AIOKafkaConsumer) -> None:
        """Begin each partition that is new to us at its mark; one that was never dispatched begins at its end."""
        assigned = set(consumer.assignment())
        if assigned:
            self.problem = None
        new = sorted(assigned - self._placed)
        if not new:
            return
        try:
            ends = await consumer.end_offsets(new)
            numbers = [place.partition for place in new]
            await self._pool.execute(statement("first_marks"), numbers, [ends[place] for place in new])
            rows = await self._pool.fetch(statement("marks"), numbers)
            for row in rows:
                place = TopicPartition(self._topic, row["partition"])
                consumer.seek(place, row["next_offset"])
                self._placed.add(place)
        except IllegalStateError:
            return  # taken away meanwhile
        except KafkaError as bad:
            raise StoreError(f"the end of {self._topic} cannot be told: {bad!r}") from bad
        except FAILURES as failed:
            raise StoreError(f"the marks cannot be read: {type(failed).__name__}") from failed

    async def _take(self, batch: Mapping[int, Sequence[RawRecord]]) -> None:
        for partition, records in batch.items():
            self._events.keep(partition, records)
        try:
            while True:
                try:
                    behind = await self._dispatched(batch)
                except _Stale:
                    await self._load()
                else:
                    break
        except FAILURES as failed:
            raise StoreError(f"events cannot be dispatched: {type(failed).__name__}: {failed}") from failed
        self.problem = None
        for lane in behind:
            self._on_behind(lane)

    async def _dispatched(self, batch: Mapping[int, Sequence[RawRecord]]) -> list[Lane]:
        """Move the marks, and return the lanes that follow no longer."""
        partitions = sorted(batch)
        stretches = list(_stretches(self._wanted, batch))
        async with self._pool.acquire() as connection, connection.transaction():
            ends = [batch[partition][-1].offset + 1 for partition in partitions]
            await connection.execute(statement("mark"), partitions, ends)
            if await connection.fetchval(statement("changes")) != self._revision:
                raise _Stale
            if not stretches:
                return []
            rows = await connection.fetch(
                statement("dispatch"), *(list(column) for column in zip(*stretches, strict=True))
            )
        return [Lane(row["endpoint_id"], row["partition"]) for row in rows]

    async def _load(self) -> None:
        # The count first: what changes while endpoints are read is read again.
        self._revision = await self._pool.fetchval(statement("changes"))
        rows = await self._pool.fetch(statement("subscriptions"))
        self._wanted = {row["endpoint_id"]: Wanted(tuple(row["event_types"])) for row in rows}

    def _consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self._access.options(),
            client_id="kolaj-dispatcher",
            group_id=self._group,
            isolation_level="read_committed",
            # Only told to whoever looks at the group's lag.
            enable_auto_commit=True,
            auto_offset_reset="latest",
            max_poll_interval_ms=24 * 3600 * 1000,
        )


def _stretches(
    wanted: Mapping[UUID, Wanted], batch: Mapping[int, Sequence[RawRecord]]
) -> Iterable[tuple[UUID, int, int, int]]:
    """For each endpoint and partition the first and the last offset of what may be for it, going by types alone."""
    for partition, records in batch.items():
        spans: dict[str, tuple[int, int]] = {}
        for record in records:
            event_type = record.text("ce_type")
            if event_type is not None:
                first, _ = spans.get(event_type, (record.offset, 0))
                spans[event_type] = (first, record.offset)
        for endpoint_id, want in wanted.items():
            found = [span for event_type, span in spans.items() if want.of_type(event_type)]
            if found:
                yield endpoint_id, partition, min(first for first, _ in found), max(last for _, last in found)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is not typed
    def __init__(self, placed: set[TopicPartition]) -> None:
        self._placed = placed

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        self._placed.difference_update(revoked)

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        # Where the group would go on says nothing; records that come before we have said where are passed over.
        self._placed.difference_update(assigned)
