"""Processes that are always to be there: whatever ends one, another one takes its place, as a supervisor would do."""

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from infra.children import Children
from infra.cli.failing import ExitCode
from infra.local.process import Process
from infra.sandbox.iyzico import FaultKind

_LOOK_S: Final = 0.2
_DRAIN_WITHIN_S: Final = 30.0
_HARMLESS: Final = frozenset({0, ExitCode.UNREACHABLE, -signal.SIGTERM})
"""How a process may end: told to; because Kafka or PostgreSQL was away; told to before it could listen."""


class Cause(StrEnum):
    """What can keep everybody from knowing whether something was sent."""

    KILLED = "killed"
    ENDED = "ended"  # by itself
    STOPPED = "stopped"
    FROZEN = "frozen"
    DATABASE = "database"
    BROKER = "broker"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that explains what is found later. `faults` are those of the provider's that stood meanwhile."""

    cause: Cause
    who: str
    begin: datetime
    end: datetime
    faults: frozenset[FaultKind] = frozenset()


@dataclass(slots=True)
class Diary:
    """What happened during a run, as it really did. `restarts` counts processes that had ended by themselves."""

    moments: list[Moment] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    restarts: int = 0

    def note(self, cause: Cause, who: str, begin: datetime, faults: frozenset[FaultKind] = frozenset()) -> None:
        """It began at `begin` and is over now."""
        self.moments.append(Moment(cause, who, begin, now(), faults))


def now() -> datetime:
    return datetime.now(UTC)


class Post:
    """One place that a process holds.

    Args:
        once: the process ends when its work is done, and is then not started again.
    """

    def __init__(
        self, children: Children, diary: Diary, name: str, arguments: Sequence[str], *, once: bool = False
    ) -> None:
        self.name = name
        self.done = asyncio.Event()
        self._children = children
        self._diary = diary
        self._arguments = arguments
        self._once = once
        self._started = 0
        self._process: Process | None = None
        self._busy = asyncio.Lock()

    def start(self) -> Process:
        self._started += 1
        self._process = self._children.spawn(f"{self.name}.{self._started}", self._arguments)
        return self._process

    async def watch(self) -> None:
        """Start it again whenever it has ended by itself, until cancelled."""
        while not self.done.is_set():
            await asyncio.sleep(_LOOK_S)
            async with self._busy:
                process = self._process
                if process is None or process.running:
                    continue
                code = await self._forget(process)
                if self._once and code == 0:
                    self.done.set()
                    return
                self._judge(code, process)
                self._diary.restarts += 1
                self._diary.note(Cause.ENDED, self.name, now())
                self.start()

    async def kill(self) -> None:
        """SIGKILL, and another one."""
        async with self._busy:
            if self._process is None or not self._process.running:
                return
            at = now()
            await self._forget(self._process)
            self._diary.note(Cause.KILLED, self.name, at)
            self.start()

    async def restart(self) -> None:
        """SIGTERM, and another one as soon as it has gone."""
        async with self._busy:
            await self._end()
            self.start()

    async def freeze(self, hold_s: float) -> None:
        """SIGSTOP, and SIGCONT after `hold_s`, another process having gone on meanwhile."""
        async with self._busy:
            process = self._process
            if process is None or not process.running:
                return
            at = now()
            os.kill(process.pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(hold_s)
            finally:
                if process.running:
                    os.kill(process.pid, signal.SIGCONT)
                self._diary.note(Cause.FROZEN, self.name, at)

    async def stop(self) -> None:
        """SIGTERM; it is not started again."""
        async with self._busy:
            self.done.set()
            await self._end()

    async def _end(self) -> None:
        process = self._process
        self._process = None
        if process is None:
            return
        at = now()
        await process.stop(signal.SIGTERM, within_s=_DRAIN_WITHIN_S)
        code = await self._forget(process)
        self._diary.note(Cause.STOPPED, self.name, at)
        if code == -signal.SIGKILL:
            self._diary.problems.append(f"{process.name} did not end within {_DRAIN_WITHIN_S:g} s of SIGTERM")
        else:
            self._judge(code, process)

    async def _forget(self, process: Process) -> int:
        await self._children.kill(process)
        return await process.finished(1)

    def _judge(self, code: int, process: Process) -> None:
        if code not in _HARMLESS:
            self._diary.problems.append(f"{process.name} ended with {code}.{process.log_tail()}")
