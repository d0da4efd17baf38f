"""`kolaj ledger rebuild`: the ledger made anew from the log, after PostgreSQL was lost or restored to an older moment.

What the log holds: each attempt's intent, and each command's result. So every command that has a result is concluded
with it, word for word, and every other that has an intent may have been sent: whoever is handed it next asks the
provider first. Commands that were parked are acknowledged in Kafka, and lie nowhere any more when PostgreSQL was lost:
the consumer group is taken back to the first of them. Killed at any moment, it is simply run again: until it is
complete no worker starts.
"""

import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from agents.log_check import compared, note, read_marks, unread
from agents.payments.rebuilding import Standing, abandoned
from agents.payments.records import PaymentRecords
from agents.pool import FAILURES
from agents.rebuild_reading import read_result
from agents.rebuild_workshop import Progress, Workshop
from agents.sql import statement
from schemas.errors import SettingsError, StoreError
from streams.groups import committed, members, move
from streams.kafka import KafkaAccess
from streams.publisher import Publisher
from streams.stretches import bounds
from streams.topics import Topics

log = logging.getLogger(__name__)

_ROWS_AT_ONCE: Final = 5_000
_LOCK: Final = 0x4B6F6C616A + 1


@dataclass(frozen=True, slots=True)
class Hub:
    """What a rebuild is about.

    Attributes:
        group: the consumer group of the command topic.
        groups: all groups that workers are in; none may have a member.
        providers: the provider's name of each integration, for results that are made here.
        now: the clock, UTC.
    """

    access: KafkaAccess
    topics: Topics
    group: str
    groups: tuple[str, ...]
    providers: Mapping[str, str]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What stands in the ledger now.

    Attributes:
        maybe_sent: commands without a result that may have been sent.
        abandoned: those whose record is gone from the log; they were concluded as `unknown`.
        moved: partitions of the command topic whose group was taken back, from and to which offset.
    """

    commands: int
    concluded: int
    maybe_sent: int
    keys: int
    abandoned: tuple[UUID, ...]
    moved: Mapping[int, tuple[int, int]]


async def rebuild(hub: Hub, pool: asyncpg.Pool, publisher: Publisher, progress: Progress) -> Rebuilt:
    """Make the ledger anew.

    Args:
        pool: two connections at least, of the tables' owner.

    Raises:
        SettingsError: workers run, or another rebuild does.
        StoreError: Kafka or PostgreSQL failed, or the log holds what cannot be read; run it again.
    """
    await refuse_members(hub.access, hub.groups)
    try:
        # From a log that lost records the ledger would lose them, too.
        log_now = await bounds(hub.access, compared(hub.topics))
        unread(await read_marks(pool, hub.topics), log_now)
        async with _alone(pool) as connection:
            async with connection.transaction():
                await connection.execute(statement("rebuild_begin"))
            # One that started between our look and the new incarnation writes nothing any more, but commits offsets.
            await refuse_members(hub.access, hub.groups)
            return await _rebuild(hub, Workshop(hub.access, hub.topics, connection, progress), pool, publisher)
    except asyncpg.UndefinedTableError as missing:
        raise SettingsError("the ledger's tables are missing; run `kolaj migrate`") from missing
    except asyncpg.InsufficientPrivilegeError as refused:
        raise SettingsError("a rebuild exchanges tables: let DATABASE_URL name their owner for it") from refused
    except FAILURES as failed:
        why = f"{type(failed).__name__}: {failed}"
        raise StoreError(f"the ledger could not be rebuilt ({why}); run it again") from failed


async def refuse_members(access: KafkaAccess, groups: Iterable[str]) -> None:
    """Make sure that no worker is in these consumer groups.

    Raises:
        SettingsError: one is, or one that was killed may still be.
    """
    present = {group: count for group, count in (await members(access, groups)).items() if count}
    if present:
        who = ", ".join(f"{group} has {count}" for group, count in sorted(present.items()))
        raise SettingsError(
            f"workers run ({who} members): stop every worker first. One that was killed counts until its session times "
            "out (KOLAJ_SESSION_TIMEOUT_S)"
        )


@asynccontextmanager
async def _alone(pool: asyncpg.Pool) -> AsyncGenerator[Any, None]:
    async with pool.acquire() as connection:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK):
            raise SettingsError("another rebuild of this ledger runs; wait for its end")
        try:
            yield connection
        finally:
            if not connection.is_closed():
                await connection.execute("select pg_advisory_unlock($1)", _LOCK)


async def _rebuild(hub: Hub, work: Workshop, pool: asyncpg.Pool, publisher: Publisher) -> Rebuilt:
    log_now = await bounds(hub.access, work.reads)
    await work.load(log_now)
    await work.connection.execute(statement("rebuild_index"))
    abandoned = await _give_up_abandoned(hub, work, publisher)
    # Their results are in the log now, behind what was read.
    events = await bounds(hub.access, [hub.topics.payment_events.name])
    await work.load({place: (log_now[place][1], end) for place, (_, end) in events.items()})
    async with pool.acquire() as writing:
        await _fold(work, writing)
    moved = await _take_back(hub, work)
    work.progress("offsets moved", len(moved))
    async with work.connection.transaction():
        await work.connection.execute(statement("rebuild_finish"))
        incarnation = await work.connection.fetchval("select id from ledger.incarnation")
        await note(work.connection, incarnation, work.marks)
    counts = await work.connection.fetchrow(statement("rebuild_counts"))
    return Rebuilt(**dict(counts), abandoned=abandoned, moved=moved)


async def _give_up_abandoned(hub: Hub, work: Workshop, publisher: Publisher) -> tuple[UUID, ...]:
    """Conclude what nobody will be handed again: with all that is known, never as a guess."""
    records = PaymentRecords(hub.topics)
    rows = await work.connection.fetch(statement("rebuild_abandoned"))
    for start in range(0, len(rows), 500):
        results = [abandoned(row, hub.providers, hub.now()) for row in rows[start : start + 500]]
        await publisher.publish([records.result(result, None) for result in results])
    for row in rows:
        log.warning("command given up as unknown", extra={"command_id": str(row["command_id"]), "key": row["key"]})
    return tuple(row["command_id"] for row in rows)


async def _fold(work: Workshop, writing: Any) -> None:
    """What each key's results add up to, in the order of the log; one key in memory at a time."""
    full: list[Standing] = []
    done = 0
    async with work.connection.transaction():
        standing: Standing | None = None
        async for row in work.connection.cursor(statement("rebuild_results"), prefetch=1_000):
            if standing is None or standing.key != row["key"]:
                full += [] if standing is None else [standing]
                standing = Standing(row["key"])
            standing.add(read_result(row["kind"], row["value"]))
            done += 1
            if len(full) >= _ROWS_AT_ONCE:
                await _put(work, full, writing)
                full = []
                work.progress("results folded", done)
        full += [] if standing is None else [standing]
    await _put(work, full, writing)
    work.progress("results folded", done)


async def _put(work: Workshop, full: Sequence[Standing], writing: Any) -> None:
    await work.put("states", [standing.row for standing in full], writing)
    deadlines = [standing.deadline for standing in full]
    await work.put("deadlines", [deadline for deadline in deadlines if deadline is not None], writing)


async def _take_back(hub: Hub, work: Workshop) -> dict[int, tuple[int, int]]:
    """Let the group read again from the first command without a result; never forward."""
    topic = hub.topics.payment_commands.name
    first = {row["partition"]: row["offset"] for row in await work.connection.fetch(statement("rebuild_unfinished"))}
    stands = await committed(hub.access, hub.group, [(topic, partition) for partition in first])
    moved = {partition: (at, first[partition]) for (_, partition), at in stands.items() if first[partition] < at}
    await move(hub.access, hub.group, {(topic, partition): to for partition, (_, to) in moved.items()})
    return moved
