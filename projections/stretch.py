"""Reading stretches of several partitions at once, for folding from the beginning."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from projections.batch import Span
from projections.entry import Entry, Place, Reader
from schemas.errors import StoreError
from streams.admin import partitions_of
from streams.kafka import KafkaAccess, connected, reach
from streams.records import RawRecord
from streams.topics import Topics

_STALLED_S: Final = 30.0
_POLL_MS: Final = 500
_SLICE: Final = 500
"""Records read in one go, some milliseconds' work; the loop serves others between two."""


async def bounds(access: KafkaAccess, topics: Iterable[str]) -> dict[Place, tuple[int, int]]:
    """For each partition the first offset that the log still holds, and the one that its next record will get.

    Raises:
        SettingsError: a topic does not exist.
        StoreError: Kafka does not answer.
    """
    names = sorted(topics)
    numbers = await asyncio.gather(*(partitions_of(access, topic) for topic in names))
    partitions = [
        TopicPartition(topic, number) for topic, found in zip(names, numbers, strict=True) for number in found
    ]
    async with connected(access, lambda: _consumer(access)) as consumer:
        begins = await reach(access, lambda: consumer.beginning_offsets(partitions))
        ends = await reach(access, lambda: consumer.end_offsets(partitions))
    return {(place.topic, place.partition): (begins[place], ends[place]) for place in partitions}


async def spans(
    access: KafkaAccess, topics: Topics, stretches: Mapping[Place, tuple[int, int]], *, batch: int = 5_000
) -> AsyncGenerator[dict[Place, Span], None]:
    """All that lies in each stretch (from an offset, to before another), batch by batch, in order within each place.

    Raises:
        StoreError: Kafka does not answer, or gives no more records.
    """
    ahead = {place: bounds for place, bounds in stretches.items() if bounds[0] < bounds[1]}
    if not ahead:
        return
    read = Reader(topics).read
    loop = asyncio.get_running_loop()
    async with connected(access, lambda: _consumer(access)) as consumer:
        consumer.assign([TopicPartition(*place) for place in ahead])
        for place, (start, _) in ahead.items():
            consumer.seek(TopicPartition(*place), start)
        moved_at = loop.time()
        while ahead:
            partitions = [TopicPartition(*place) for place in ahead]
            fetched = await consumer.getmany(*partitions, timeout_ms=_POLL_MS, max_records=batch)
            found: dict[Place, Span] = {}
            for partition in partitions:
                place = (partition.topic, partition.partition)
                start, stop = ahead[place]
                # The position passes gaps, such as the markers of transactions, that no record shows.
                reached = min(stop, await consumer.position(partition))
                records = [RawRecord.of(record) for record in fetched.get(partition, ()) if record.offset < stop]
                if reached > start:
                    entries: list[Entry] = []
                    for first in range(0, len(records), _SLICE):
                        entries += map(read, records[first : first + _SLICE])
                        await asyncio.sleep(0)  # what is being written meanwhile gets its turn
                    found[place] = Span(start, reached, tuple(entries))
                    ahead[place] = (reached, stop)
                if reached >= stop:
                    del ahead[place]
            if found:
                moved_at = loop.time()
                yield found
            elif loop.time() - moved_at > _STALLED_S:
                raise StoreError(f"Kafka at {access.bootstrap} gave no records for {_STALLED_S:g} s; start again")


def _consumer(access: KafkaAccess) -> Any:
    return AIOKafkaConsumer(
        **access.options(),
        client_id="kolaj-rebuild",
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
