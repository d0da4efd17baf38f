"""Whether the HTTP edge can take anything now: looked at beside the requests, so that a probe costs nothing.

Each thing is asked again and again by a task of its own. One that hangs is not cancelled, which would leave connections
behind; its last answer grows old, and an old answer is none.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from agents.integrations.directory import Directory
from agents.pool import FAILURES
from infra.gateway.sql import statement
from infra.readers import late_readers
from infra.settings import Settings
from schemas.errors import HubError, StoreError
from streams.publisher import Publisher

_PING_S: Final = 2.0
_SLOW_S: Final = 6.0
"""What takes longer than this beside the pause is taken for away."""
_BREAKERS_S: Final = 15.0
_LAG_S: Final = 30.0
_LAG_SLOW_S: Final = 90.0
_STATEMENT_S: Final = 5.0

Ask = Callable[[], Awaitable[str]]
"""A word for everybody about a thing that is well; raises `HubError` where it is not."""


@dataclass(slots=True)
class Watched:
    """One thing that is asked about.

    Attributes:
        needed: whether nothing can be taken without it; others are told for information.
    """

    ask: Ask
    every_s: float
    slow_s: float = _SLOW_S
    needed: bool = True
    told: str = "unknown"
    problem: str | None = None
    answered_at: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            try:
                self.told, self.problem = await self.ask(), None
            except HubError as failed:
                self.problem = str(failed)
            self.answered_at = time.monotonic()
            # What failed is looked at again soon, so that nobody is kept away for longer than it lasts.
            await asyncio.sleep(self.every_s if self.problem is None else min(self.every_s, _PING_S))

    @property
    def why_not(self) -> str | None:
        """Why it is not well."""
        silent_s = time.monotonic() - self.answered_at
        return f"no answer for {silent_s:.0f} s" if silent_s > self.every_s + self.slow_s else self.problem

    @property
    def state(self) -> str:
        """One word for everybody: what failed, and where, is for the log."""
        if self.why_not is not None:
            return "failed" if self.needed else "unknown"
        return self.told


class Readiness:
    """What the process needs, and what its operators like to know."""

    def __init__(self, watched: Mapping[str, Watched], stopping: asyncio.Event) -> None:
        self._watched = watched
        self._stopping = stopping

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for one in self._watched.values():
                tasks.create_task(one.run())

    @property
    def problem(self) -> str | None:
        """Why nothing should be sent here now; `None` when all is well."""
        if self._stopping.is_set():
            return "the process is stopping"
        found = ((name, one.why_not) for name, one in self._watched.items() if one.needed)
        return next((f"{name}: {why}" for name, why in found if why is not None), None)

    @property
    def states(self) -> dict[str, str]:
        """Each thing's state, in a word."""
        return {name: one.state for name, one in self._watched.items()}


def readiness_of(
    settings: Settings, publisher: Publisher, pool: asyncpg.Pool, directory: Directory, stopping: asyncio.Event
) -> Readiness:
    """Over the stores that the process works with."""

    async def kafka() -> str:
        await publisher.ask()
        return "ok"

    async def database() -> str:
        await _fetched(pool, "select 1")
        return "ok"

    async def followed() -> str:
        await directory.refresh()
        return "ok"

    async def breakers() -> str:
        return str(await _fetched(pool, statement("open_breakers")))

    async def lag() -> str:
        late = await late_readers(settings, older_than_s=settings.lag_bound_s)
        if late:
            told = f"{', '.join(late)}: what waits is older than {settings.lag_bound_s:g} s"
            raise StoreError(f"{told}, and retention will delete it; start more of them, or see what holds them up")
        return "ok"

    watched = {
        "kafka": Watched(kafka, _PING_S),
        "database": Watched(database, _PING_S),
        "directory": Watched(followed, _PING_S),
        "lag": Watched(lag, _LAG_S, _LAG_SLOW_S),
        "open_breakers": Watched(breakers, _BREAKERS_S, needed=False),
    }
    return Readiness(watched, stopping)


async def _fetched(pool: asyncpg.Pool, query: str) -> object:
    try:
        return await pool.fetchval(query, timeout=_STATEMENT_S)
    except FAILURES as failed:
        raise StoreError(f"PostgreSQL does not answer: {type(failed).__name__}") from failed
