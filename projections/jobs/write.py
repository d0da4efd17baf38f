"""Writing the jobs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from projections.columns import columns
from projections.entry import Entry
from projections.jobs.fold import (
    Ended,
    Part,
    Published,
    Rejected,
    Sent,
    fold,
    merge_ended,
    merge_published,
    merge_rejected,
    merge_sent,
)
from projections.projection import Connection, Projection
from projections.statements import SHADOW, statement
from streams.topics import Topic, Topics

P = TypeVar("P", Published, Sent, Ended, Rejected)


def _reads(topics: Topics) -> tuple[Topic, ...]:
    return (topics.payment_commands, topics.intents, topics.payment_events)


def merged(parts: Iterable[Part], kind: type[P], merge: Callable[[P, P], P]) -> list[P]:
    """The parts of one kind, one for each job, in the order of jobs."""
    found: dict[UUID, P] = {}
    for part in parts:
        if isinstance(part, kind):
            known = found.get(part.job_id)
            found[part.job_id] = part if known is None else merge(known, part)
    return [found[key] for key in sorted(found, key=_number)]


def _number(job_id: UUID) -> int:
    return job_id.int


async def _write(connection: Connection, entries: Sequence[Entry], shadow: str) -> None:
    parts = [part for entry in entries for part in fold(entry)]
    batches: tuple[tuple[str, Sequence[tuple[Any, ...]]], ...] = (
        ("jobs/published", merged(parts, Published, merge_published)),
        ("jobs/sent", merged(parts, Sent, merge_sent)),
        ("jobs/ended", merged(parts, Ended, merge_ended)),
        ("jobs/rejected", merged(parts, Rejected, merge_rejected)),
    )
    for name, rows in batches:
        if rows:
            await connection.execute(statement(name, shadow), *columns(rows))


async def _carry(connection: Connection, topic: str, partition: int, below: int) -> None:
    await connection.execute(statement("jobs/carry", SHADOW), topic, partition, below)


JOBS = Projection("jobs", ("integration_queue_jobs",), (), _reads, _write, _carry)
