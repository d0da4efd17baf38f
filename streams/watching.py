"""Watching over one member of a consumer group: how far it is behind, and whether it still gets on."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.errors import StoreError
from streams.kafka import KafkaAccess
from streams.lag import Lag, Place, group_lags
from streams.progress import Progress

log = logging.getLogger(__name__)

_LOOK_WITHIN_S: Final = 45.0
_LOUD_EVERY_S: Final = 60.0
_JOINING_S: Final = 1.0
"""Between two looks before the first partitions are given out."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """When a member is not well; times in seconds.

    Attributes:
        stall_s: standing still for longer while records wait ends the member; half of it makes it unready.
        age_s: a record that has waited for longer is an alarm: retention will delete it unread.
        look_s: between two looks.
    """

    stall_s: float = 120.0
    age_s: float = 3.5 * 24 * 3600
    look_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Overdue:
    """A partition whose oldest record has waited for too long."""

    group: str
    place: Place
    records: int
    age_s: float
    bound_s: float


OnOverdue = Callable[[Overdue], Awaitable[None]]


async def untold(overdue: Overdue) -> None:
    """Tells nobody: the log has it."""
    del overdue


@dataclass(slots=True)
class GroupWatch:
    """Looks at the partitions of one member every few seconds.

    Args:
        held: the partitions given to the member, each with whether it is busy there (see `Progress.look`); `None` while
            the group is being put together.
        delays_s: for topics whose records are meant to wait, for how long.
        on_overdue: told once when a partition passes the bound, and again when it does so anew. An error that it raises
            ends the watch.
    """

    access: KafkaAccess
    group: str
    held: Callable[[], Mapping[Place, bool] | None]
    bounds: Bounds
    delays_s: Mapping[str, float] = field(default_factory=dict)
    on_overdue: OnOverdue = untold
    lags: Mapping[Place, Lag] = field(default_factory=dict)
    """As of the last look, for the partitions that are held."""
    problem: str | None = "it has not joined its consumer group yet"
    """Why the member should not be counted on now; `None` when it is well."""
    _joined: bool = False
    _told: set[Place] = field(default_factory=set)
    _loud_at: float = float("-inf")

    async def run(self) -> None:
        """Look until cancelled.

        Raises:
            StoreError: the member stands still; a fresh one may get on.
        """
        progress = Progress(self.bounds.stall_s)
        while True:
            await self._look(progress)
            await asyncio.sleep(self.bounds.look_s if self._joined else min(self.bounds.look_s, _JOINING_S))

    def ages_s(self, now_s: float) -> dict[Place, float]:
        """How long each partition's oldest record has waited past its delay; `now_s` since 1970."""
        return {place: lag.age_s(now_s, self.delays_s.get(place[0], 0.0)) for place, lag in self.lags.items()}

    async def _look(self, progress: Progress) -> None:
        held = self.held()
        try:
            async with asyncio.timeout(_LOOK_WITHIN_S):
                lags = await group_lags(self.access, self.group, held or ())
        except (StoreError, TimeoutError) as failed:
            progress.unseen()
            self.problem = f"nobody knows how far {self.group} is behind: {failed or 'Kafka takes too long'}"
            log.warning("lag unknown", extra={"group": self.group, "why": str(failed)})
            return
        after, now = self.held(), time.monotonic()
        if held is None or after is None:
            self.lags = {}
            progress.without(now)
        else:
            self._joined = True
            # Busy before or after the question is busy: the answer belongs to a moment between the two.
            busy = {place: before or after.get(place, True) for place, before in held.items()}
            self.lags = lags
            progress.look(now, busy, lags)
        still_s = progress.still_s(now)
        if still_s > self.bounds.stall_s:
            raise StoreError(
                f"{progress.where()}, for {still_s:.0f} s; the consumer is stuck, and this process ends so that a new "
                "one is started"
            )
        overdue = self._overdue()
        if self._joined:
            self.problem = self._sentence(progress, still_s, overdue)
        await self._tell(overdue)

    def _overdue(self) -> list[Overdue]:
        ages = self.ages_s(time.time())
        return [
            Overdue(self.group, place, self.lags[place].records, age_s, self.bounds.age_s)
            for place, age_s in ages.items()
            if age_s > self.bounds.age_s
        ]

    def _sentence(self, progress: Progress, still_s: float, overdue: Sequence[Overdue]) -> str | None:
        if still_s > self.bounds.stall_s / 2:
            return progress.where()
        if overdue:
            worst = max(overdue, key=lambda one: one.age_s)
            topic, partition = worst.place
            return f"the oldest record of {topic}/{partition} has waited for {worst.age_s:.0f} s"
        return None

    async def _tell(self, overdue: Sequence[Overdue]) -> None:
        for one in overdue:
            if one.place not in self._told:
                await self.on_overdue(one)
        self._told = {one.place for one in overdue}
        if overdue and time.monotonic() - self._loud_at >= _LOUD_EVERY_S:
            self._loud_at = time.monotonic()
            worst = max(overdue, key=lambda one: one.age_s)
            facts = {"topic": worst.place[0], "partition": worst.place[1], "age_s": worst.age_s}
            log.error("records wait for too long", extra={"group": self.group, "bound_s": worst.bound_s, **facts})
