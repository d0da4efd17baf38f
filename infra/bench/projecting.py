"""The projector over a log that is there already, and a table built anew from a long one."""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.bench.bulk import append_all
from infra.bench.ground import Ground
from infra.bench.load import results, whole_lives
from infra.bench.processor import processor_s
from projections import PROJECTIONS, open_pool, rebuild
from projections import positions as stored_positions
from projections.entry import Place
from projections.status import high_water, stands_at
from projections.stretch import bounds

_LOOK_S: Final = 0.05
_EDGE: Final = 0.1
WITHIN_S: Final = 300.0
REBUILT: Final = "payments"


@dataclass(frozen=True, slots=True)
class Projecting:
    """Events a second of one projector that writes all tables; `processor_us` is its own time for each event."""

    per_s: float
    processor_us: float
    events: int


@dataclass(frozen=True, slots=True)
class Rebuilding:
    events: int
    seconds: float


async def measure_projector(ground: Ground, *, commands: int, say: Callable[[str], None]) -> Projecting:
    """All that `commands` commands leave in the topics is folded by one projector process."""
    settings = ground.settings
    await append_all(settings.kafka, whole_lives(settings.topics, commands))
    marks = await high_water(settings.kafka, settings.topics)
    total = sum(marks.values())
    say(f"a log of {total:,} events is there")
    pool = await open_pool(settings.database_url.get_secret_value(), size=1)
    projector = await ground.start("projector", "projector", "--json")
    try:
        looks: list[tuple[int, float, float]] = []
        async with asyncio.timeout(WITHIN_S):
            while not await stands_at(pool, settings.topics, marks):
                looks.append((await _written(pool, marks), time.monotonic(), processor_s([projector.pid])))
                # What the projector has written is seen in the database alone.
                await asyncio.sleep(_LOOK_S)
        looks.append((total, time.monotonic(), processor_s([projector.pid])))
    finally:
        await projector.stop(signal.SIGTERM, within_s=30)
        await pool.close()
    first = [look for look in looks if look[0] <= total * _EDGE or look is looks[0]][-1]
    last = next(look for look in looks if look[0] >= total * (1 - _EDGE))
    events = last[0] - first[0]
    if events <= 0:
        raise ValueError(f"{total} events are too few to tell a rate; ask for more")
    return Projecting(
        per_s=round(events / (last[1] - first[1])),
        processor_us=round((last[2] - first[2]) * 1e6 / events, 1),
        events=total,
    )


async def measure_rebuild(ground: Ground, *, events: int, say: Callable[[str], None]) -> Rebuilding:
    """The payments' table from a log of `events` results."""
    settings = ground.settings
    await append_all(settings.kafka, results(settings.topics, events))
    topic = settings.topics.payment_events.name
    there = sum(end - start for start, end in (await bounds(settings.kafka, [topic])).values())
    say(f"rebuilding {REBUILT} from {there:,} events")
    pool = await open_pool(settings.database_url.get_secret_value(), size=2)
    try:
        began = time.monotonic()
        rebuilt = await rebuild(settings.kafka, pool, settings.topics, REBUILT)
        seconds = time.monotonic() - began
    finally:
        await pool.close()
    if rebuilt.records < events:
        raise AssertionError(f"{rebuilt.records} events were folded, {events} lie in the log")
    return Rebuilding(rebuilt.records, round(seconds, 1))


async def _written(pool: Any, marks: Mapping[Place, int]) -> int:
    """How many records every projection that reads them has written."""
    names = [one.name for one in PROJECTIONS]
    async with pool.acquire() as connection:
        stored = await stored_positions.read(connection, names, marks)
    least: dict[Place, int] = {}
    for (_, topic, partition), offset in stored.items():
        place = (topic, partition)
        least[place] = min(least.get(place, offset), offset)
    return sum(least.values())
