"""A topic as it grows, from positions that the reader keeps: whoever has the positions goes on exactly there."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Literal, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.errors import HubError, StoreError
from streams.admin import partitions_of
from streams.kafka import KafkaAccess, reach, stop
from streams.records import RawRecord
from streams.refusal import not_allowed

Start = Literal["beginning", "end"] | datetime | Mapping[int, int]
"""The whole topic, what comes from now on, what was appended from a moment on, or the next offset of each partition."""

_FETCH_BYTES: Final = 256 * 1024
"""Of one partition: what a reader who takes nothing more makes its process hold."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PositionGone(HubError):
    """The positions are not of this topic as it stands: another count of partitions, or offsets outside of it."""


class Tail:
    """Reads all partitions of one topic, as an async context manager. Nothing is committed anywhere.

    Records are fetched when they are asked for, so that a slow reader holds back the fetching and fills no memory.
    """

    def __init__(self, access: KafkaAccess, topic: str, start: Start) -> None:
        self._access = access
        self._topic = topic
        self._start = start
        self._consumer: Any = None
        self._next: dict[int, int] = {}

    async def __aenter__(self) -> Self:
        """Look up where to begin.

        Raises:
            PositionGone: the positions to start at are not of this topic.
            SettingsError: the topic does not exist.
            StoreError: Kafka does not answer.
        """
        self._consumer = AIOKafkaConsumer(
            **self._access.options(),
            client_id="kolaj-tail",
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        try:
            await reach(self._access, self._consumer.start)
            self._next = await self._first()
            self._consumer.assign([TopicPartition(self._topic, partition) for partition in self._next])
            for partition, offset in self._next.items():
                self._consumer.seek(TopicPartition(self._topic, partition), offset)
        except BaseException:
            await stop(self._consumer.stop)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await stop(self._consumer.stop)

    @property
    def positions(self) -> dict[int, int]:
        """For each partition the offset after the last record that was handed out."""
        return dict(self._next)

    async def batch(self, *, within_s: float = 1.0, most: int = 500) -> list[RawRecord]:
        """What comes next, those of one partition in order; empty when nothing came in time.

        Raises:
            StoreError: Kafka does not answer.
        """
        try:
            fetched = await self._consumer.getmany(timeout_ms=int(within_s * 1000), max_records=most)
        except OffsetOutOfRangeError as gone:
            raise StoreError(f"{self._topic} no longer holds what was to be read next; start again") from gone
        except (KafkaError, OSError) as bad:
            told = not_allowed(bad) or f"Kafka at {self._access.bootstrap} failed while reading: {bad!r}; start again"
            raise StoreError(told) from bad
        records = [RawRecord.of(record) for part in fetched.values() for record in part]
        for record in records:
            self._next[record.partition] = record.offset + 1
        return records

    async def _first(self) -> dict[int, int]:
        places = [TopicPartition(self._topic, number) for number in await partitions_of(self._access, self._topic)]
        ends = await reach(self._access, lambda: self._consumer.end_offsets(places))
        if self._start == "end":
            return {place.partition: ends[place] for place in places}
        if isinstance(self._start, datetime):
            asked = dict.fromkeys(places, (self._start - _EPOCH) // timedelta(milliseconds=1))
            found = await reach(self._access, lambda: self._consumer.offsets_for_times(asked))
            return {place.partition: ends[place] if found[place] is None else found[place].offset for place in places}
        begins = await reach(self._access, lambda: self._consumer.beginning_offsets(places))
        if not isinstance(self._start, Mapping):
            return {place.partition: begins[place] for place in places}
        return _checked(self._topic, self._start, {place.partition: (begins[place], ends[place]) for place in places})


def _checked(topic: str, start: Mapping[int, int], there: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    if set(start) != set(there):
        raise PositionGone(f"{topic} has {len(there)} partitions, the positions name {len(start)}")
    outside = [number for number, offset in start.items() if not there[number][0] <= offset <= there[number][1]]
    if outside:
        raise PositionGone(f"{topic}/{outside[0]} does not reach to that position, or begins after it")
    return dict(start)
