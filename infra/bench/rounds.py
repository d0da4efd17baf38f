"""One round: a backlog is laid down, a loop works it off, and the broker's clock tells how fast.

What is counted lies between the first and the last tenth of the results, so that starting, warming up and running dry
are left out. Every topic carries the broker's append time: commands, requests and results are timed by one clock.
"""

import os
import signal
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.bench.appended import Appended, growth, steady_rate
from infra.bench.bulk import append_all
from infra.bench.ground import Ground
from infra.bench.load import Row, commands, fresh_ids, requests
from infra.bench.processor import processor_s
from infra.local.process import Process
from schemas.payments import PaymentCreated

WITHIN_S: Final = 180.0
STARTS_WITHIN_S: Final = 120.0
"""By then a loop has done a tenth of its backlog, on a machine that is of any use for this."""
_EDGE: Final = 0.1


class NotPerformed(AssertionError):
    """A loop did something else than it was measured for."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round showed.

    Attributes:
        per_s: commands a second.
        processor_us: microseconds of processor time for each command, by process; `loop` is the measured one.
        commands: how many were worked off.
    """

    per_s: float
    processor_us: dict[str, float]
    commands: int


async def bare_round(ground: Ground, count: int, *, limit_s: float) -> Round:
    backlog, answers = await ground.topic("bare-requests"), await ground.topic("bare-answers")
    rows = requests(backlog, ground.settings.partitions, count)
    arguments = ["bench", "bare", "--backlog", backlog, "--out", answers, "--url", _charge(ground)]
    return await _round(ground, rows, answers, count, limit_s=limit_s, loops=[arguments])


async def naive_round(ground: Ground, count: int, *, limit_s: float) -> Round:
    backlog, results = await ground.topic("naive-commands"), await ground.topic("naive-results")
    ids = fresh_ids(count, ground.settings.partitions)
    rows = ((backlog, *row[1:]) for row in commands(ground.settings.topics, ids))
    arguments = ["bench", "naive", "--backlog", backlog, "--out", results, "--url", _charge(ground)]
    return await _round(ground, rows, results, count, limit_s=limit_s, loops=[arguments])


async def hub_round(
    ground: Ground, count: int, *, limit_s: float, workers: int = 1, profile: Path | None = None
) -> Round:
    """The hub itself, through worker processes as they are started in production."""
    topics = ground.settings.topics
    rows = commands(topics, fresh_ids(count, topics.partitions))
    arguments = ["worker", "--json"] if profile is None else ["bench", "profiled-worker", str(profile)]
    found: list[Appended] = []
    results = topics.payment_events.name
    ended = await _round(
        ground,
        rows,
        results,
        count,
        limit_s=limit_s,
        loops=[arguments] * workers,
        found=found,
        profiled=profile is not None,
    )
    # A worker that joins makes partitions move, and then some results are published again.
    require_all_taken(found, len({one.key for one in found}))
    return ended


def require_all_taken(found: Sequence[Appended], count: int) -> None:
    """A hub that is fast at refusing proves nothing.

    Raises:
        NotPerformed: not every command ended as a payment taken.
    """
    taken = {one.key for one in found if one.kind == PaymentCreated.type.encode()}
    if len(taken) != count:
        kinds = sorted({one.kind.decode() for one in found})
        raise NotPerformed(f"{len(taken)} of {count} payments were taken; there are {', '.join(kinds)}")


async def _round(
    ground: Ground,
    rows: Iterable[Row],
    results: str,
    count: int,
    *,
    limit_s: float,
    loops: Sequence[Sequence[str]],
    found: list[Appended] | None = None,
    profiled: bool = False,
) -> Round:
    """Let `loops` work until `count` results are there or `limit_s` has passed, whichever comes first."""
    access = ground.settings.kafka
    await append_all(access, rows)
    async with growth(access, results, ground.settings.partitions) as watch:
        processes = [await ground.start("loop", *arguments) for arguments in loops]
        meter = _Meter(ground, processes)
        try:
            await watch.reaches(int(count * _EDGE), within_s=STARTS_WITHIN_S, note=meter.note)
            if profiled:
                os.kill(processes[0].pid, signal.SIGUSR1)
            # What is not done by then is left to the next round; the rate is of what was done.
            with suppress(TimeoutError):
                await watch.reaches(count, within_s=limit_s, note=meter.note)
            if profiled:
                os.kill(processes[0].pid, signal.SIGUSR2)
        except TimeoutError as late:
            done = await watch.count()
            raise NotPerformed(f"{done} of {count} results so far.{processes[0].log_tail()}") from late
        finally:
            for process in processes:
                await process.stop(signal.SIGTERM, within_s=30)
        records = await watch.records()
    if found is not None:
        found += records
    return Round(steady_rate([one.at_ms for one in records], cut=_EDGE), meter.processor_us(), len(records))


class _Meter:
    """Notes the processes' processor time as results come."""

    def __init__(self, ground: Ground, loops: Sequence[Process]) -> None:
        self._ground = ground
        self._loops = loops
        self._looks: list[tuple[int, dict[str, float]]] = []

    async def note(self, done: int) -> None:
        for loop in self._loops:
            if not loop.running:
                raise NotPerformed(f"{loop.name} ended by itself after {done} commands.{loop.log_tail()}")
        spent = {"loop": processor_s([loop.pid for loop in self._loops]), **self._ground.servers_s()}
        self._looks.append((done, spent))

    def processor_us(self) -> dict[str, float]:
        """Microseconds for each command, between the first and the last tenth of all."""
        whole = self._looks[-1][0] if self._looks else 0
        steady = [look for look in self._looks if whole * _EDGE <= look[0] <= whole * (1 - _EDGE)]
        if not steady or steady[-1][0] == steady[0][0]:
            return {}
        (began, before), (ended, after) = steady[0], steady[-1]
        return {name: round((after[name] - spent) * 1e6 / (ended - began), 1) for name, spent in before.items()}


def _charge(ground: Ground) -> str:
    return f"{ground.provider_url}/payment/auth"
