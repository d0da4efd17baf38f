"""How far a reader is behind the log: in records, and as the age of the oldest record that it has not finished.

Asked of the brokers by clients of its own each time, so that the answer is right while a reader's own client is stuck.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)

from schemas.errors import StoreError
from streams.admin import admin_client
from streams.kafka import KafkaAccess, connected, reach

Place = tuple[str, int]
"""Topic and partition."""

_OLDEST_WITHIN_S: Final = 10.0
_COORDINATOR_WITHIN_S: Final = 20.0
_POLL_MS: Final = 500


@dataclass(frozen=True, slots=True)
class Lag:
    """One partition.

    Attributes:
        position: the first offset that is not finished.
        end: the offset that the next record will get.
        oldest_ms: when the record at `position` was written, in milliseconds since 1970; `None` when nothing waits.
    """

    place: Place
    position: int
    end: int
    oldest_ms: int | None = None

    @property
    def records(self) -> int:
        """Offsets, which is records where the log has no gaps."""
        return max(0, self.end - self.position)

    def age_s(self, now_s: float, delay_s: float = 0.0) -> float:
        """For how long the oldest record has waited past the delay that is meant for it; `now_s` since 1970."""
        return 0.0 if self.oldest_ms is None else max(0.0, now_s - self.oldest_ms / 1000 - delay_s)


async def group_lags(access: KafkaAccess, group: str, places: Collection[Place]) -> dict[Place, Lag]:
    """How far a consumer group is behind in these partitions. Where it has no position it begins with what is there.

    Raises:
        StoreError: Kafka does not answer.
    """
    return await lags(access, await group_positions(access, group, places))


async def group_positions(access: KafkaAccess, group: str, places: Collection[Place]) -> dict[Place, int]:
    """The first offset that a group has not finished, by partition; 0 where it has no position.

    Raises:
        StoreError: Kafka does not answer.
    """
    async with admin_client(access) as admin, asyncio.timeout(_COORDINATOR_WITHIN_S):
        found = await _offsets(admin, group)
    positions = {(at.topic, at.partition): held.offset for at, held in found.items() if held.offset >= 0}
    return {place: positions.get(place, 0) for place in places}


async def overdue(access: KafkaAccess, positions: Mapping[Place, int], before_ms: int) -> set[Place]:
    """Where a record from before that moment (milliseconds since 1970) lies at or past the position.

    Unlike `lags` it reads no record, so that an account that may not read commands can ask it.

    Raises:
        StoreError: Kafka does not answer, or a partition does not exist.
    """
    if not positions:
        return set()
    async with connected(access, lambda: _consumer(access)) as consumer:
        partitions = [TopicPartition(*place) for place in positions]
        begins = await reach(access, lambda: consumer.beginning_offsets(partitions))
        ends = await reach(access, lambda: consumer.end_offsets(partitions))
        later = await reach(access, lambda: consumer.offsets_for_times(dict.fromkeys(partitions, before_ms)))
    found = set()
    for partition in partitions:
        first = ends[partition] if later.get(partition) is None else later[partition].offset
        if max(positions[(*partition,)], begins[partition]) < first:
            found.add((*partition,))
    return found


async def _offsets(admin: Any, group: str) -> Mapping[TopicPartition, Any]:
    """The group's positions. A broker that was just started has nobody to ask for a moment, and tells nobody when."""
    while True:
        try:
            offsets: Mapping[TopicPartition, Any] = await admin.list_consumer_group_offsets(group)
        except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError):
            await asyncio.sleep(_COORDINATOR_WITHIN_S / 100)
        except GroupAuthorizationFailedError as denied:
            raise GroupAuthorizationFailedError(group) from denied
        else:
            return offsets


async def lags(access: KafkaAccess, positions: Mapping[Place, int]) -> dict[Place, Lag]:
    """How far these positions are behind. What retention has deleted does not count.

    Raises:
        StoreError: Kafka does not answer, or a partition does not exist.
    """
    if not positions:
        return {}
    async with connected(access, lambda: _consumer(access)) as consumer:
        partitions = [TopicPartition(*place) for place in positions]
        begins = await reach(access, lambda: consumer.beginning_offsets(partitions))
        ends = await reach(access, lambda: consumer.end_offsets(partitions))
        at = {partition: max(positions[(*partition,)], begins[partition]) for partition in partitions}
        behind = {partition: offset for partition, offset in at.items() if offset < ends[partition]}
        oldest = await _oldest(consumer, behind)
    return {
        (*partition,): Lag((*partition,), offset, ends[partition], oldest.get(partition))
        for partition, offset in at.items()
    }


async def _oldest(consumer: Any, behind: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """The timestamp of the first record at or past each offset."""
    found: dict[TopicPartition, int] = {}
    if not behind:
        return found
    consumer.assign(list(behind))
    for partition, offset in behind.items():
        consumer.seek(partition, offset)
    try:
        async with asyncio.timeout(_OLDEST_WITHIN_S):
            while left := [partition for partition in behind if partition not in found]:
                fetched = await consumer.getmany(*left, timeout_ms=_POLL_MS, max_records=len(left))
                found |= {partition: records[0].timestamp for partition, records in fetched.items() if records}
                consumer.pause(*fetched)
    except TimeoutError as slow:
        raise StoreError(f"no record could be read within {_OLDEST_WITHIN_S:g} s where some wait; look again") from slow
    return found


def _consumer(access: KafkaAccess) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **access.options(),
        client_id="kolaj-lag",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        # One record of each partition is enough; a batch that is larger comes whole all the same.
        max_partition_fetch_bytes=1024,
    )
