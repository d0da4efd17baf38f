"""One batch of the log into PostgreSQL: rows of all projections and their positions, in one transaction."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from projections import positions
from projections.columns import columns
from projections.entry import Entry, Place
from projections.projection import Connection, Projection
from projections.statements import statement
from schemas.errors import StoreError
from streams.topics import Topics

log = logging.getLogger(__name__)

POISON: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    ValueError,
    OverflowError,
)
"""What a single record's values can cause: numbers out of range, text too long for an index. Not the store's fault."""

STORE_FAILURES: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # Raised for a session that the server ended while it was idle (asyncpg 0.32, seen 2026-11), and no InterfaceError.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


class Fenced(StoreError):
    """The stored positions are not where this process thought: somebody else wrote, or the database was put back."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one partition: all that lies from `start` to before `stop`. Offsets in it may have gaps."""

    start: int
    stop: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What a batch came to: records added by place, and whether others had written part of it already."""

    counts: Mapping[Place, int]
    overtaken: bool


async def project(
    connection: Connection, projections: Sequence[Projection], topics: Topics, spans: Mapping[Place, Span]
) -> Written:
    """Write a batch. Each projection takes what lies at and after its own stored position, so nothing counts twice.

    A record whose values no table can hold is found by halving the batch; it is noted in `projection_errors`, keeps its
    plain row in the audit log, and holds nobody up.

    Raises:
        Fenced: a stored position lies before the batch begins; nothing was written.
    """
    try:
        async with connection.transaction():
            return await _write(connection, projections, topics, spans)
    except POISON as poison:
        entries = sum(len(span.entries) for span in spans.values())
        if entries > 1:
            halves = [await project(connection, projections, topics, half) for half in _halves(spans, entries // 2)]
            counts = Counter(halves[0].counts) + Counter(halves[1].counts)
            return Written(counts, halves[0].overtaken or halves[1].overtaken)
        log.warning("a record could not be projected", extra={"error": type(poison).__name__})
        async with connection.transaction():
            return await _write(connection, projections, topics, spans, apart=True)


async def _write(
    connection: Connection,
    projections: Sequence[Projection],
    topics: Topics,
    spans: Mapping[Place, Span],
    *,
    apart: bool = False,
) -> Written:
    names = [projection.name for projection in projections]
    stored = await positions.lock(connection, names, spans)
    moved: dict[positions.Spot, int] = {}
    overtaken = False
    errors: list[tuple[str, Entry]] = []
    counts: Counter[Place] = Counter()
    for projection in projections:
        reads = set(projection.topic_names(topics))
        fresh: list[Entry] = []
        for place, span in spans.items():
            if place[0] not in reads:
                continue
            spot = (projection.name, *place)
            position = _checked(stored, spot, span)
            if position > span.start:
                overtaken = True
            if position >= span.stop:
                continue
            moved[spot] = span.stop
            new = [entry for entry in span.entries if entry.offset >= position]
            fresh += new
            counts[place] = max(counts[place], len(new))
        if apart:
            errors += await _write_apart(connection, projection, fresh)
        else:
            await projection.write(connection, fresh, "")
    commands = topics.payment_commands.name
    unreadable = [
        ("*", entry)
        for place in counts
        if place[0] != commands  # what is wrong there goes to the dead letters
        for entry in spans[place].entries
        if entry.error is not None
    ]
    await note(connection, [*unreadable, *errors])
    await positions.advance(connection, moved)
    return Written(dict(counts), overtaken)


async def note(connection: Connection, errors: Sequence[tuple[str, Entry]]) -> None:
    """Keep what could not be projected, with the projection's name (`*` for what nobody could read)."""
    rows = [
        (
            name,
            *entry.place,
            entry.offset,
            entry.envelope.id if entry.envelope else None,
            entry.error.reason,
            entry.error.field,
            entry.error.detail,
            entry.occurred_at,
        )
        for name, entry in errors
        if entry.error is not None
    ]
    if rows:
        await connection.execute(statement("positions/errors"), *columns(rows))


def _checked(stored: Mapping[positions.Spot, int], spot: positions.Spot, span: Span) -> int:
    position = stored.get(spot)
    if position is None or position < span.start:
        raise Fenced(f"{spot[0]} stands at {position} of {spot[1]}/{spot[2]}, this batch begins at {span.start}")
    return position


async def _write_apart(
    connection: Connection, projection: Projection, entries: Sequence[Entry]
) -> list[tuple[str, Entry]]:
    """Write single entries, each in a transaction of its own within ours; what fails is written without its values."""
    failed: list[tuple[str, Entry]] = []
    for entry in entries:
        try:
            async with connection.transaction():
                await projection.write(connection, [entry], "")
        except POISON as poison:
            plain = entry.unstorable(f"the tables cannot hold its values ({type(poison).__name__})")
            await projection.write(connection, [plain], "")
            failed.append((projection.name, plain))
    return failed


def _halves(spans: Mapping[Place, Span], count: int) -> tuple[dict[Place, Span], dict[Place, Span]]:
    """The first `count` entries, and the rest; both are not empty."""
    first: dict[Place, Span] = {}
    second: dict[Place, Span] = {}
    for place, span in spans.items():
        taken = min(count, len(span.entries))
        count -= taken
        if taken == len(span.entries):
            first[place] = span
        elif taken == 0:
            second[place] = span
        else:
            middle = span.entries[taken].offset
            first[place] = Span(span.start, middle, span.entries[:taken])
            second[place] = Span(middle, span.stop, span.entries[taken:])
    return first, second
