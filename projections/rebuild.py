"""Building a projection anew from the log, beside the live one, and putting it in its place in one step."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from projections import positions
from projections.abreast import both
from projections.batch import Span
from projections.catalog import projection as by_name
from projections.collector import collecting_seldom
from projections.compare import RowDifference, compare
from projections.entry import Place
from projections.projection import Connection, Projection
from projections.shadow import create_shadow, drop_shadow, swap
from projections.statements import SHADOW
from projections.status import high_water
from projections.stretch import bounds, spans
from schemas.errors import StoreError
from streams.kafka import KafkaAccess
from streams.topics import Topics

log = logging.getLogger(__name__)

SWAP_ATTEMPTS: Final = 60
Progress = Callable[[int, int], None]
"""Called with the offsets folded so far and in all."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`records` were folded; `carried` names the places whose oldest rows could only be copied, not folded."""

    projection: str
    records: int
    carried: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    access: KafkaAccess
    connection: Connection
    topics: Topics
    target: Projection

    @property
    def shadow(self) -> str:
        """The name that the shadow tables' positions go by."""
        return self.target.name + SHADOW


async def rebuild(
    access: KafkaAccess, pool: Any, topics: Topics, name: str, *, progress: Progress | None = None
) -> Rebuilt:
    """Fold the projection `name` from the first offset, and exchange its tables for the result.

    Readers see the old tables or the new ones, whole. The live projector goes on meanwhile and waits only while the
    last records are folded and the names exchanged. Run it as the owner of the tables.

    Raises:
        SettingsError: there is no such projection, or a topic does not exist.
        StoreError: another rebuild of it runs, Kafka does not answer, or readers kept the tables locked too long.
    """
    target = by_name(name)
    async with _alone(access, pool, topics, target) as work:
        built = await _build(work, await high_water(access, topics, (target,)), progress)
        for attempt in range(SWAP_ATTEMPTS):
            # Without the lock first, so that little is left to do under it.
            ends = await high_water(access, topics, (target,))
            await _fold(work, ends)
            try:
                await _exchange(work, ends)
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                log.info("readers hold the tables; trying again", extra={"projection": name, "attempt": attempt})
                await asyncio.sleep(random.uniform(0.1, 1.0))  # noqa: S311 - readers go on meanwhile
            else:
                return built
        raise StoreError(f"readers keep the tables of {name} locked; try again later")


async def differences(access: KafkaAccess, pool: Any, topics: Topics, name: str) -> list[RowDifference]:
    """What a rebuild of `name` would change: the live rows against rows folded from the log up to where they stand.

    Raises:
        SettingsError, StoreError: as `rebuild`.
    """
    target = by_name(name)
    async with _alone(access, pool, topics, target) as work:
        ends = await high_water(access, topics, (target,))
        stored = await positions.read(work.connection, [name], ends)
        await _build(work, {place: stored.get((name, *place), 0) for place in ends}, None)
        async with work.connection.transaction():
            await _fold(work, await _hold(work, ends))
            pairs = [(table, f"{table}{SHADOW}") for table in target.tables]
            return [found for live, rebuilt in pairs for found in await compare(work.connection, live, rebuilt)]


@asynccontextmanager
async def _alone(access: KafkaAccess, pool: Any, topics: Topics, target: Projection) -> AsyncIterator[_Work]:
    """A connection on which nobody else rebuilds `target`; the shadow tables are gone afterwards."""
    async with pool.acquire() as connection:
        lock = f"kolaj rebuild {target.name}"
        if not await connection.fetchval("select pg_try_advisory_lock(hashtextextended($1, 0))", lock):
            raise StoreError(f"{target.name} is being rebuilt already; wait for that to end")
        try:
            yield _Work(access, connection, topics, target)
        finally:
            if not connection.is_closed():
                await asyncio.shield(drop_shadow(connection, target))
                await connection.execute("select pg_advisory_unlock(hashtextextended($1, 0))", lock)


async def _build(work: _Work, ends: dict[Place, int], progress: Progress | None) -> Rebuilt:
    """Shadow tables folded from the first offset that the log holds to `ends`."""
    target = work.target
    log_now = await bounds(work.access, target.topic_names(work.topics))
    firsts = {place: log_now[place][0] for place in ends}
    await drop_shadow(work.connection, target)
    carried: list[Place] = []
    async with work.connection.transaction():
        await create_shadow(work.connection, target)
        await positions.begin(work.connection, {(work.shadow, *place): first for place, first in firsts.items()})
        for (topic, partition), first in sorted(firsts.items()):
            if first > 0 and target.carry is not None:
                await target.carry(work.connection, topic, partition, first)
                carried.append((topic, partition))
    records = await _fold(work, ends, progress)
    return Rebuilt(target.name, records, tuple(carried))


async def _fold(work: _Work, ends: dict[Place, int], progress: Progress | None = None) -> int:
    """Fold what lies between the shadow's positions and `ends`; each batch and its positions in one transaction."""
    stored = await positions.read(work.connection, [work.shadow], ends)
    stretches = {place: (stored[(work.shadow, *place)], end) for place, end in ends.items()}
    total = sum(max(0, end - start) for start, end in stretches.values())
    records = done = 0
    with collecting_seldom():
        async with aclosing(spans(work.access, work.topics, stretches)) as batches:
            found = await anext(batches, None)
            while found is not None:
                records += sum(len(span.entries) for span in found.values())
                done += sum(span.stop - span.start for span in found.values())
                _, found = await both(_write(work, found), anext(batches, None))
                if progress is not None:
                    progress(done, total)
    return records


async def _write(work: _Work, found: Mapping[Place, Span]) -> None:
    entries = [entry for span in found.values() for entry in span.entries]
    async with work.connection.transaction():
        await work.target.write(work.connection, entries, SHADOW)
        moved = {(work.shadow, *place): span.stop for place, span in found.items()}
        await positions.advance(work.connection, moved)


async def _hold(work: _Work, ends: dict[Place, int]) -> dict[Place, int]:
    """Where the live projection stands, held there until the transaction ends."""
    stored = await positions.lock(work.connection, [work.target.name], ends)
    return {place: stored.get((work.target.name, *place), 0) for place in ends}


async def _exchange(work: _Work, ends: dict[Place, int]) -> None:
    """In one transaction: hold the live projection, catch up with it, take its place."""
    async with work.connection.transaction():
        await work.connection.execute("set local lock_timeout = '10s'")
        await _fold(work, await _hold(work, ends))
        reached = await positions.read(work.connection, [work.shadow], ends)
        taken = {(work.target.name, *place): reached[(work.shadow, *place)] for place in ends}
        await positions.begin(work.connection, taken)
        await positions.advance(work.connection, taken)
        await swap(work.connection, work.target)
