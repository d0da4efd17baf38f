"""What the database knows of commands: those that came over HTTP, and how far the projections saw any."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from agents.pool import FAILURES
from infra.gateway.sql import statement
from schemas.database_failures import unreachable

_TAKE: Final = statement("command_take")
_TAKEN: Final = statement("command_taken")
_BY_ID: Final = statement("command_by_id")
_PUBLISHED: Final = statement("command_published")
_PURGE: Final = statement("commands_purge")
_JOB: Final = statement("command_job")
_PLACE: Final = statement("event_place")
_INTEGRATIONS: Final = statement("payment_integrations")
_PROJECTED: Final = statement("events_projected")


@dataclass(frozen=True, slots=True)
class Taken:
    """A command that came over HTTP. `partition` and `offset` are those of its record, once that was acknowledged."""

    caller: str
    command_id: UUID
    command_type: str
    key: str
    integration_id: str | None
    digest: bytes
    received_at: datetime
    published_at: datetime | None
    partition: int | None
    offset: int | None


@dataclass(frozen=True, slots=True)
class Job:
    """A command as `integration_queue_jobs` has it. `rejected` is the place of a record that was not taken as it."""

    command_id: UUID
    command_type: str | None
    key: str | None
    integration_id: str | None
    status: str
    created_at: datetime
    rejected: tuple[str, int, int] | None


@dataclass(frozen=True, slots=True)
class Found:
    """Where an event lies in its topic."""

    event_id: UUID
    partition: int
    offset: int


class CommandRows:
    """The statements. Each raises `StoreError` when PostgreSQL does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def take(self, new: Taken, idempotency_key: str) -> tuple[Taken, bool]:
        """The command that this key of the caller stands for, and whether it is this one."""
        about = (new.command_id, new.command_type, new.key, new.integration_id, new.digest)
        with _answering():
            row = await self._pool.fetchrow(_TAKE, new.caller, idempotency_key, *about)
            if row is not None:
                return Taken(*row.values()), True
            row = await self._pool.fetchrow(_TAKEN, new.caller, idempotency_key)
        if row is None:  # forgotten between the two statements
            return await self.take(new, idempotency_key)
        return Taken(*row.values()), False

    async def by_id(self, command_id: UUID) -> Taken | None:
        with _answering():
            row = await self._pool.fetchrow(_BY_ID, command_id)
        return None if row is None else Taken(*row.values())

    async def published(self, command_id: UUID, partition: int, offset: int) -> None:
        with _answering():
            await self._pool.execute(_PUBLISHED, command_id, partition, offset)

    async def purge(self, days: int, most: int) -> int:
        """Forget commands that came longer ago; returns how many."""
        with _answering():
            done: str = await self._pool.execute(_PURGE, days, most)
        return int(done.rpartition(" ")[2])

    async def job(self, command_id: UUID) -> Job | None:
        with _answering():
            row = await self._pool.fetchrow(_JOB, command_id)
        if row is None:
            return None
        columns: list[Any] = list(row.values())
        place = tuple(columns[6:])
        columns[6:] = [None if place[0] is None else place]
        return Job(*columns)

    async def place(self, command_id: UUID, topic: str, event_ids: Sequence[UUID]) -> Found | None:
        """Where the first of these events about the command lies, as far as the topic is projected."""
        with _answering():
            row = await self._pool.fetchrow(_PLACE, command_id, topic, event_ids)
        return None if row is None else Found(*row.values())

    async def integrations(self, key: str, caller: str, beginnings: Sequence[str]) -> list[str]:
        """Those that a payment or resource is known to be at, or to be meant for by a creation of this caller's.

        `beginnings` are the types of creations.
        """
        with _answering():
            rows = await self._pool.fetch(_INTEGRATIONS, key, caller, list(beginnings))
        return [row["integration_id"] for row in rows]

    async def projected(self, topic: str) -> dict[int, int]:
        """By partition the offset up to which the topic's events are in the audit log."""
        with _answering():
            rows = await self._pool.fetch(_PROJECTED, topic)
        return {row["partition"]: row["next_offset"] for row in rows}


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except FAILURES as failed:
        raise unreachable(failed) from failed
