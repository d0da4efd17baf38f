"""Lanes in PostgreSQL: how far each endpoint has come in each partition, and whose turn it is to take it further.

A lane is worked on under a lease and an epoch, so that senders share all lanes without knowing of each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from agents.deliveries.decide import Attempt
from agents.deliveries.disabling import tell_disabled
from agents.deliveries.message import Message, Wanted
from agents.deliveries.secrets import open_secret, rewrap_secrets
from agents.deliveries.sql import statement
from agents.pool import FAILURES
from agents.sealing import Seal
from schemas.errors import StoreError
from streams.publisher import Publisher
from streams.topics import Topics

KEPT_ATTEMPTS: Final = 200
"""For each endpoint."""
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True, order=True)
class Lane:
    """One endpoint's place in one partition."""

    endpoint_id: UUID
    partition: int


@dataclass(frozen=True, slots=True)
class Held:
    """A lane that was claimed, and its endpoint as it was then.

    Attributes:
        mark: how far the partition was dispatched; `None` where nobody has begun.
        failures: in a row.
        active_since: when the endpoint was made active; it can be disabled once since then.
    """

    lane: Lane
    epoch: int
    position: int
    replay_from: datetime | None
    mark: int | None
    failures: int
    failing_s: float
    url: str
    wanted: Wanted
    revision: int
    active_since: datetime
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """A test that an owner asked for."""

    endpoint_id: UUID
    message_id: str
    asked_at: datetime
    url: str
    secrets: tuple[str, ...] = field(repr=False)


class LaneStore:
    """The sender's statements.

    Args:
        lease_s: how long a lane stays a sender's that says nothing more; longer than an attempt takes.
    """

    def __init__(self, pool: asyncpg.Pool, seal: Seal, *, lease_s: float) -> None:
        self._pool = pool
        self._seal = seal
        self.lease_s = lease_s

    async def claim(self, lane: Lane) -> Held | None:
        """Take the lane; `None` when it is another's, or has nothing to do now."""
        row = await self._row("claim", lane.endpoint_id, lane.partition, self.lease_s)
        if row is None:
            return None
        return Held(
            lane,
            row["epoch"],
            row["position"],
            row["replay_from"],
            row["mark"],
            row["failures"],
            row["failing_s"] or 0.0,
            row["url"],
            Wanted(tuple(row["event_types"]), None if row["integrations"] is None else frozenset(row["integrations"])),
            row["revision"],
            row["status_since"],
            self._opened(row),
        )

    async def advance(self, held: Held, position: int) -> bool:
        """All before `position` is done. False: stop, the lane is not ours any more or its endpoint has changed."""
        row = await self._row("advance", *_key(held), position, self.lease_s)
        return row is not None and row["revision"] == held.revision

    async def delivered(self, held: Held, position: int, message: Message, attempt: Attempt) -> bool:
        """As `advance`, after a delivery."""
        row = await self._row("delivered", *_key(held), position, self.lease_s, *_told(message, attempt))
        return row is not None and row["revision"] == held.revision

    async def failed(self, held: Held, position: int, wait_s: float, message: Message, attempt: Attempt) -> bool:
        """Give the lane back, to be tried again after `wait_s`. False: it was not ours any more."""
        return await self._row("failed", *_key(held), position, wait_s, *_told(message, attempt)) is not None

    async def give_back(self, held: Held, position: int) -> None:
        """Whoever comes next goes on at `position`."""
        await self._row("give_back", *_key(held), position)

    async def release(self, held: Held, position: int) -> int | None:
        """Let the lane follow. When more was dispatched meanwhile, up to where; `None` when there is nothing to do."""
        row = await self._row("release", *_key(held), position, self.lease_s)
        if row is None:
            await self.give_back(held, position)
            return None
        return None if row["following"] else int(row["mark"])

    async def disable(self, held: Held, why: str, detail: str, failures: int) -> None:
        """Nothing more is sent before its owner enables it; it is noted that the log shall tell."""
        await self._row("disable", held.lane.endpoint_id, held.active_since, why, detail, failures)

    async def tell(self, endpoint_id: UUID, message: Message, attempt: Attempt) -> None:
        """Note an attempt that moves no lane."""
        await self._row("tell", endpoint_id, *_told(message, attempt))

    async def waits_s(self, lane: Lane) -> float | None:
        """How long the lane still waits, in seconds; `None` when it waits for nothing."""
        row = await self._row("waits", lane.endpoint_id, lane.partition)
        return None if row is None else float(row["wait_s"])

    async def due(self, *, grace_s: float, limit: int) -> list[tuple[Lane, bool]]:
        """Lanes that have something to do and are nobody's, and whether they are failing."""
        rows = await self._rows("due", grace_s, limit)
        return [(Lane(row["endpoint_id"], row["partition"]), row["failing"]) for row in rows]

    async def take_trials(self, limit: int) -> list[Trial]:
        """Tests that owners asked for; they are asked for no longer."""
        rows = await self._rows("take_tests", limit)
        return [
            Trial(row["endpoint_id"], row["message_id"], row["asked_at"], row["url"], self._opened(row)) for row in rows
        ]

    async def tell_disabled(self, publisher: Publisher, topics: Topics) -> None:
        """Have the log tell of endpoints that were disabled."""
        await tell_disabled(self._pool, publisher, topics)

    async def tidy(self) -> None:
        """Forget old attempts and ended secrets, and bring the others under the newest master key."""
        await self._row("trim", KEPT_ATTEMPTS)
        while await rewrap_secrets(self._pool, self._seal, _AT_ONCE) == _AT_ONCE:
            pass

    def _opened(self, row: Any) -> tuple[str, ...]:
        pairs = zip(row["secret_ids"] or (), row["sealed"] or (), strict=True)
        return tuple(open_secret(self._seal, name, sealed) for name, sealed in pairs)

    async def _row(self, name: str, *arguments: object) -> Any:
        rows = await self._rows(name, *arguments)
        return rows[0] if rows else None

    async def _rows(self, name: str, *arguments: object) -> Sequence[Any]:
        try:
            return list(await self._pool.fetch(statement(name), *arguments))
        except FAILURES as failed:
            raise StoreError(
                f"the lanes of endpoints cannot be worked on: {type(failed).__name__}: {failed}"
            ) from failed


def _key(held: Held) -> tuple[UUID, int, int]:
    return held.lane.endpoint_id, held.lane.partition, held.epoch


def _told(message: Message, attempt: Attempt) -> tuple[object, ...]:
    return message.id, message.type, attempt.outcome, attempt.status, attempt.elapsed_ms
