"""How far the projections are behind the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projections import positions
from projections.catalog import PROJECTIONS
from projections.entry import Place
from projections.projection import Projection
from projections.stretch import bounds
from streams.kafka import KafkaAccess
from streams.topics import Topics


@dataclass(frozen=True, slots=True)
class Standing:
    """One projection at one partition. `lag` counts offsets, which is records where the log has no gaps."""

    projection: str
    topic: str
    partition: int
    next_offset: int
    end_offset: int

    @property
    def lag(self) -> int:
        return max(0, self.end_offset - self.next_offset)


async def high_water(
    access: KafkaAccess, topics: Topics, projections: Sequence[Projection] = PROJECTIONS
) -> dict[Place, int]:
    """For each partition that is projected the offset that its next record will get.

    Raises:
        SettingsError: a topic does not exist.
        StoreError: Kafka does not answer.
    """
    names = sorted({name for projection in projections for name in projection.topic_names(topics)})
    return {place: end for place, (_, end) in (await bounds(access, names)).items()}


async def report(
    access: KafkaAccess, pool: Any, topics: Topics, projections: Sequence[Projection] = PROJECTIONS
) -> list[Standing]:
    """Every projection at every partition that it reads, in order.

    Raises:
        SettingsError: a topic does not exist.
        StoreError: Kafka does not answer.
    """
    ends = await high_water(access, topics, projections)
    async with pool.acquire() as connection:
        stored = await positions.read(connection, [projection.name for projection in projections], ends)
    return [
        Standing(projection.name, *place, stored.get((projection.name, *place), 0), end)
        for projection in projections
        for place, end in sorted(ends.items())
        if place[0] in projection.topic_names(topics)
    ]


async def stands_at(
    pool: Any, topics: Topics, offsets: Mapping[Place, int], projections: Sequence[Projection] = PROJECTIONS
) -> bool:
    """Whether every projection stands at or past these offsets, in the places that it reads."""
    async with pool.acquire() as connection:
        stored = await positions.read(connection, [projection.name for projection in projections], offsets)
    return all(
        stored.get((projection.name, *place), 0) >= offset
        for projection in projections
        for place, offset in offsets.items()
        if place[0] in projection.topic_names(topics)
    )
