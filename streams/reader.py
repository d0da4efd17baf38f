"""Reading topics outside the agents: a stretch of the log once, or whatever comes, with or without a group."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Literal, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.errors import StoreError
from streams.admin import partitions_of
from streams.kafka import KafkaAccess, connected, reach, stop
from streams.records import RawRecord, header
from streams.refusal import not_allowed
from streams.seen import SeenIds

_STALLED_S: Final = 30.0
_BATCH: Final = 5_000
_POLL_MS: Final = 1_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def replay(
    access: KafkaAccess,
    topic: str,
    *,
    start: datetime | int | None = None,
    end: datetime | None = None,
    key: str | bytes | None = None,
    type: str | None = None,  # noqa: A002 - the contract's word for it
) -> AsyncGenerator[RawRecord, None]:
    """Exactly what lies in the log: in offset order within each partition, the partitions one after another.

    It ends at the high-water mark that each partition had when the replay began, so that it ends at all while others
    publish, and two replays over one stretch are equal.

    `start` is a moment (its records and later ones) or an offset in every partition, `None` the beginning; what
    retention has deleted already is not there to be read. Records from the moment `end` on are left out. With `key` or
    `type` only records with this key or this `ce_type` are read.

    Raises:
        SettingsError: the topic does not exist.
        StoreError: Kafka does not answer, or retention deleted records while they were being read.
    """
    wanted_key = key.encode() if isinstance(key, str) else key
    wanted_type = None if type is None else type.encode()
    first_ms = _ms(start) if isinstance(start, datetime) else None
    end_ms = None if end is None else _ms(end)

    def wanted(record: Any) -> bool:
        return (
            (first_ms is None or record.timestamp >= first_ms)
            and (end_ms is None or record.timestamp < end_ms)
            and (wanted_key is None or record.key == wanted_key)
            and (wanted_type is None or header(record.headers, "ce_type") == wanted_type)
        )

    everything = all(limit is None for limit in (first_ms, end_ms, wanted_key, wanted_type))
    async with connected(access, lambda: _consumer(access)) as consumer:
        for partition, first, high in await _stretches(access, consumer, topic, start):
            async for records in _partition(access, consumer, partition, first, high):
                for record in records if everything else filter(wanted, records):
                    yield RawRecord.of(record)


async def read_at(access: KafkaAccess, topic: str, partition: int, offset: int) -> RawRecord | None:
    """The record at one place, or `None` when nothing lies there (any more, or yet).

    Raises:
        SettingsError: the topic does not exist.
        StoreError: Kafka does not answer.
    """
    async with connected(access, lambda: _consumer(access)) as consumer:
        for place, low, high in await _stretches(access, consumer, topic, None):
            if place.partition == partition and low <= offset < high:
                async for records in _partition(access, consumer, place, offset, high):
                    return RawRecord.of(records[0]) if records[0].offset == offset else None
    return None


async def high_water_marks(access: KafkaAccess, topic: str) -> dict[int, int]:
    """For each partition the offset that its next record will get.

    Raises:
        SettingsError: the topic does not exist.
        StoreError: Kafka does not answer.
    """
    async with connected(access, lambda: _consumer(access)) as consumer:
        partitions = await _partitions(access, topic)
        ends = await reach(access, lambda: consumer.end_offsets(partitions))
    return {partition.partition: high for partition, high in ends.items()}


class ResultReader:
    """Reads a topic as it grows, as an async context manager and async iterator.

    With a `group`, several readers share the partitions, and the group's position is committed once every record up to
    it was taken and the next one asked for: after a crash records come again, none is left out. Without a group the
    reader sees all partitions and remembers nothing.

    Args:
        start: where to begin when there is no committed position.
        seen: drops further copies of an event; `None` hands out every record.
    """

    def __init__(
        self,
        access: KafkaAccess,
        topics: str | Sequence[str],
        *,
        group: str | None = None,
        start: Literal["earliest", "latest"] = "earliest",
        seen: SeenIds | None = None,
    ) -> None:
        self._access = access
        self._topics = [topics] if isinstance(topics, str) else list(topics)
        self._group = group
        self._start = start
        self._seen = seen
        self._waiting: deque[RawRecord] = deque()
        self._uncommitted = False
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        self._consumer = _consumer(self._access, group=self._group, start=self._start)
        try:
            await reach(self._access, self._consumer.start)
            partitions = [place for topic in self._topics for place in await _partitions(self._access, topic)]
            if self._group is None:
                await self._assign(partitions)
            else:
                self._consumer.subscribe(self._topics)
        except BaseException:
            await stop(self._consumer.stop)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await stop(self._consumer.stop)

    def __aiter__(self) -> AsyncIterator[RawRecord]:
        return self

    async def __anext__(self) -> RawRecord:
        """The next record, whenever it comes.

        Raises:
            StoreError: Kafka does not answer.
        """
        while True:
            while self._waiting:
                record = self._waiting.popleft()
                if self._seen is None or self._seen.is_new(record.headers):
                    return record
            await self._fetch()

    async def _assign(self, partitions: Sequence[TopicPartition]) -> None:
        self._consumer.assign(partitions)
        if self._start == "latest":
            # Asked now: a position looked up at the first read would leave out what comes until then.
            for partition, high in (await reach(self._access, lambda: self._consumer.end_offsets(partitions))).items():
                self._consumer.seek(partition, high)

    async def _fetch(self) -> None:
        try:
            if self._uncommitted:
                await self._consumer.commit()
                self._uncommitted = False
            fetched = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH)
        except (KafkaError, OSError) as bad:
            raise _failed(self._access, bad) from bad
        for records in fetched.values():
            self._waiting.extend(RawRecord.of(record) for record in records)
            self._uncommitted = self._group is not None


async def follow(
    access: KafkaAccess,
    topics: str | Sequence[str],
    *,
    group: str | None = None,
    start: Literal["earliest", "latest"] = "earliest",
    seen: SeenIds | None = None,
) -> AsyncGenerator[RawRecord, None]:
    """`ResultReader` as a generator, for whoever reads until cancelled."""
    async with ResultReader(access, topics, group=group, start=start, seen=seen) as reader:
        async for record in reader:
            yield record


def _consumer(access: KafkaAccess, *, group: str | None = None, start: str = "none") -> Any:
    return AIOKafkaConsumer(
        **access.options(),
        client_id="kolaj-reader",
        group_id=group,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset=start,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )


async def _partitions(access: KafkaAccess, topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in await partitions_of(access, topic)]


async def _stretches(
    access: KafkaAccess, consumer: Any, topic: str, start: datetime | int | None
) -> list[tuple[TopicPartition, int, int]]:
    """Each partition with the first offset to read and the one to stop before."""
    partitions = await _partitions(access, topic)
    highs = await reach(access, lambda: consumer.end_offsets(partitions))
    lows = await reach(access, lambda: consumer.beginning_offsets(partitions))
    firsts = dict(lows)
    if isinstance(start, datetime):
        asked = dict.fromkeys(partitions, _ms(start))
        found = await reach(access, lambda: consumer.offsets_for_times(asked))
        firsts = {place: highs[place] if found[place] is None else found[place].offset for place in partitions}
    elif start is not None:
        firsts = {place: max(start, low) for place, low in lows.items()}
    return [(place, firsts[place], highs[place]) for place in partitions]


async def _partition(
    access: KafkaAccess, consumer: Any, partition: TopicPartition, first: int, high: int
) -> AsyncIterator[Sequence[Any]]:
    """Batches of records, none empty, that lie from `first` to before `high`."""
    if first >= high:
        return
    consumer.assign([partition])
    consumer.seek(partition, first)
    loop = asyncio.get_running_loop()
    moved_at = loop.time()
    while (await consumer.position(partition)) < high:
        try:
            fetched = await consumer.getmany(partition, timeout_ms=_POLL_MS, max_records=_BATCH)
        except OffsetOutOfRangeError as gone:
            raise StoreError(
                f"{partition.topic}/{partition.partition}: records were deleted by retention while they were read; "
                "begin the replay later"
            ) from gone
        except (KafkaError, OSError) as bad:
            raise _failed(access, bad) from bad
        records = fetched.get(partition, ())
        if records:
            moved_at = loop.time()
        elif loop.time() - moved_at > _STALLED_S:
            raise StoreError(f"Kafka at {access.bootstrap} gave no records for {_STALLED_S:g} s; start again")
        if records and records[-1].offset >= high:
            records = [record for record in records if record.offset < high]
        if records:
            # The consumer asks for the next records when it has its turn, and then they come while these are looked at.
            await asyncio.sleep(0)
            yield records


def _failed(access: KafkaAccess, bad: Exception) -> StoreError:
    return StoreError(not_allowed(bad) or f"Kafka at {access.bootstrap} failed while reading: {bad!r}; start again")


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
