"""Whether ledger and log belong together: either of them restored to an older moment would let money move twice.

What was compared once is marked in the ledger itself, so that a start looks only at what came since. A restore takes
the marks back with the rest: all that the ledger lacks lies behind the marks that it has.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from agents.pool import FAILURES
from agents.rebuild_reading import command_of_intent, command_of_result
from agents.sql import statement
from schemas.errors import SettingsError, StoreError
from streams.kafka import KafkaAccess
from streams.records import RawRecord
from streams.stretches import Bounds, Place, bounds, stretches
from streams.topics import Topics

log = logging.getLogger(__name__)

EVERY_S: Final = 60.0
"""How often a running worker compares."""

WORKSHOP: Final = "ledger_rebuild"
"""The schema that stands while a rebuild has begun and is not complete."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a partition was compared: the next offset, and the `ce_id` of the record before it."""

    next_offset: int
    record_id: str


async def check_not_behind(access: KafkaAccess, topics: Topics, pool: asyncpg.Pool) -> None:
    """Compare what came into the log since the last comparison with the ledger.

    A command is claimed before its intent is written, and concluded before its result is published. So each intent
    names a command that the ledger knows, and each result one that it has concluded; unless the ledger was restored to
    an earlier moment. May be called at any time, beside running workers too; it costs little when little is new.

    Raises:
        SettingsError: the ledger lacks what the log has, or the log what the ledger has, or a rebuild is incomplete.
        StoreError: Kafka or PostgreSQL does not answer.
    """
    try:
        await _compare(access, topics, pool)
    except asyncpg.UndefinedTableError as missing:
        raise SettingsError("the ledger's tables are missing; run `kolaj migrate`") from missing
    except FAILURES as failed:
        raise StoreError(f"the ledger cannot be compared with the log: {failed}") from failed


async def keep_comparing(access: KafkaAccess, topics: Topics, pool: asyncpg.Pool, *, every_s: float = EVERY_S) -> None:
    """Compare now and then until cancelled: a restore under running workers keeps the incarnation that they know.

    An outage of a store is waited out.

    Raises:
        SettingsError: as `check_not_behind`; the worker must stop.
    """
    while True:
        await asyncio.sleep(every_s)
        try:
            await check_not_behind(access, topics, pool)
        except StoreError as failed:
            log.warning("the ledger could not be compared with the log", extra={"why": str(failed)})


async def _compare(access: KafkaAccess, topics: Topics, pool: asyncpg.Pool) -> None:
    incarnation = await pool.fetchval("select id from ledger.incarnation")
    if await pool.fetchval("select to_regnamespace($1) is not null", WORKSHOP):
        raise SettingsError("a rebuild of the ledger has begun and is not complete; run `kolaj ledger rebuild` again")
    marks = await read_marks(pool, topics)
    async for found in stretches(access, unread(marks, await bounds(access, compared(topics)))):
        for place, records in found.items():
            _check_seam(marks.get(place), records)
            await _check(pool, topics, place, [record for record in records if _is_new(marks.get(place), record)])
        await note(pool, incarnation, marks_after(found))


def compared(topics: Topics) -> list[str]:
    """The topics that are compared with the ledger."""
    return [topics.intents.name, topics.payment_events.name]


async def read_marks(connection: asyncpg.Pool | asyncpg.Connection, topics: Topics) -> dict[Place, Mark]:
    """How far intents and results were compared."""
    rows = await connection.fetch(statement("log_marks"), compared(topics))
    return {(row["topic"], row["partition"]): Mark(row["next_offset"], row["record_id"]) for row in rows}


def unread(marks: Mapping[Place, Mark], log: Mapping[Place, Bounds]) -> dict[Place, Bounds]:
    """What is to be compared: from the record before each mark, which must still be the same one, to the end.

    Raises:
        SettingsError: the log ends before a mark.
    """
    wanted = {}
    for place, (first, end) in log.items():
        mark = marks.get(place)
        if mark is not None and mark.next_offset > end:
            raise _log_is_behind(place, f"it was compared up to offset {mark.next_offset}, and the log ends at {end}")
        wanted[place] = (first if mark is None else max(first, mark.next_offset - 1), end)
    return wanted


def _check_seam(mark: Mark | None, records: Sequence[RawRecord]) -> None:
    if mark is None:
        return
    for record in records[:1]:
        if record.offset == mark.next_offset - 1 and id_of(record) != mark.record_id:
            place = (record.topic, record.partition)
            raise _log_is_behind(place, f"offset {record.offset} held {mark.record_id}, and holds another record now")


def _is_new(mark: Mark | None, record: RawRecord) -> bool:
    return mark is None or record.offset >= mark.next_offset


async def _check(pool: asyncpg.Pool, topics: Topics, place: Place, records: Sequence[RawRecord]) -> None:
    are_intents = place[0] == topics.intents.name
    read = command_of_intent if are_intents else command_of_result
    named = {command: record for record in records if (command := read(record)) is not None}
    missing = await _missing(pool, "unknown_commands" if are_intents else "unconcluded_commands", named)
    if missing:
        example = named[missing[0]]
        what = "were about to be sent" if are_intents else "have a result"
        raise SettingsError(
            f"the ledger is behind the log: it lacks {len(missing)} commands that {what} (one is {missing[0]}, "
            f"{example.topic} {example.partition}/{example.offset}). PostgreSQL was restored to an older moment, or "
            "DATABASE_URL names another hub's database. Stop every worker, and bring back the newer database or run "
            "`kolaj ledger rebuild`, which makes the ledger anew from the log"
        )


async def _missing(pool: asyncpg.Pool, name: str, commands: Iterable[UUID]) -> list[UUID]:
    return [row["command_id"] for row in await pool.fetch(statement(name), list(commands))]


async def note(connection: asyncpg.Pool | asyncpg.Connection, incarnation: UUID, marks: Mapping[Place, Mark]) -> None:
    """Store marks, never backwards, and only in the ledger of this incarnation."""
    rows = [(*place, mark.next_offset, mark.record_id) for place, mark in sorted(marks.items())]
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    await connection.execute(statement("log_mark"), *map(list, columns), incarnation)


def marks_after(found: Mapping[Place, Sequence[RawRecord]]) -> dict[Place, Mark]:
    """The marks behind these records."""
    return {place: Mark(records[-1].offset + 1, id_of(records[-1])) for place, records in found.items() if records}


def id_of(record: RawRecord) -> str:
    """What tells a record from another one at its place."""
    return record.text("ce_id") or ""


def _log_is_behind(place: Place, why: str) -> SettingsError:
    return SettingsError(
        f"the log lacks what the ledger has: {place[0]} {place[1]}: {why}. Topics were deleted, or Kafka was restored "
        "to an older moment. Stop every worker and projector, give KOLAJ_TOPIC_PREFIX a new value, and run "
        "`kolaj ledger republish`, which writes the results that the ledger holds into the new log"
    )
