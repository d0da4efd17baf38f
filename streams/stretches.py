"""Stretches of several partitions read at once, each from an offset of its own."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.errors import StoreError
from streams.admin import partitions_of
from streams.kafka import KafkaAccess, connected, reach
from streams.records import RawRecord

Place = tuple[str, int]
"""Topic and partition."""

Bounds = tuple[int, int]
"""The first offset that the log still holds, or that is to be read, and the one to stop before."""

_STALLED_S: Final = 30.0
_POLL_MS: Final = 500


async def bounds(access: KafkaAccess, topics: Iterable[str]) -> dict[Place, Bounds]:
    """For each partition the first offset that the log still holds, and the one that its next record will get.

    Raises:
        SettingsError: a topic does not exist.
        StoreError: Kafka does not answer.
    """
    names = sorted(topics)
    numbers = [await partitions_of(access, topic) for topic in names]
    places = [TopicPartition(topic, number) for topic, found in zip(names, numbers, strict=True) for number in found]
    async with connected(access, lambda: _consumer(access)) as consumer:
        begins = await reach(access, lambda: consumer.beginning_offsets(places))
        ends = await reach(access, lambda: consumer.end_offsets(places))
    return {(place.topic, place.partition): (begins[place], ends[place]) for place in places}


async def stretches(
    access: KafkaAccess, wanted: Mapping[Place, Bounds], *, batch: int = 5_000
) -> AsyncGenerator[Mapping[Place, Sequence[RawRecord]], None]:
    """All that lies in each stretch, batch by batch, in offset order within each place.

    Raises:
        StoreError: Kafka does not answer or gives no more records, or retention deleted what was to be read.
    """
    ahead = {place: stretch for place, stretch in wanted.items() if stretch[0] < stretch[1]}
    if not ahead:
        return
    loop = asyncio.get_running_loop()
    async with connected(access, lambda: _consumer(access)) as consumer:
        consumer.assign([TopicPartition(*place) for place in ahead])
        for place, (start, _) in ahead.items():
            consumer.seek(TopicPartition(*place), start)
        moved_at = loop.time()
        while ahead:
            partitions = [TopicPartition(*place) for place in ahead]
            try:
                fetched = await consumer.getmany(*partitions, timeout_ms=_POLL_MS, max_records=batch)
                # The position passes gaps, such as the markers of transactions, that no record shows.
                reached = {tuple(place): await consumer.position(place) for place in partitions}
            except OffsetOutOfRangeError as gone:
                raise StoreError("records were deleted by retention while they were read; start again") from gone
            except (KafkaError, OSError) as bad:
                raise StoreError(f"Kafka at {access.bootstrap} failed while reading: {bad!r}; start again") from bad
            found = {
                tuple(place): [RawRecord.of(record) for record in records if record.offset < ahead[tuple(place)][1]]
                for place, records in fetched.items()
            }
            if found:
                moved_at = loop.time()
                yield found
            elif loop.time() - moved_at > _STALLED_S:
                raise StoreError(f"Kafka at {access.bootstrap} gave no records for {_STALLED_S:g} s; start again")
            ahead = {place: stretch for place, stretch in ahead.items() if reached[place] < stretch[1]}


def _consumer(access: KafkaAccess) -> Any:
    return AIOKafkaConsumer(
        **access.options(),
        client_id="kolaj-stretches",
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
