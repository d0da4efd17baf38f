"""Where a process spends its processor time: its stack is looked at whenever a moment of that time has passed.

A tracing profiler would make each Python call dearer and C code look free; looking now and then costs nothing worth
counting. A moment is charged to the module that runs, and where that is only part of the standard library or a small
tool, to the one that called it.
"""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final

_EVERY_S: Final = 0.002
_SHOWN: Final = 60

PARTS: Final = {
    "agents": "agents",
    "providers": "providers",
    "streams": "streams",
    "schemas": "schemas",
    "infra": "infra",
    "projections": "projections",
    "faust": "faust",
    "mode": "faust",
    "aiokafka": "aiokafka",
    "httpx": "httpx+aiohttp",
    "httpx_aiohttp": "httpx+aiohttp",
    "aiohttp": "httpx+aiohttp",
    "yarl": "httpx+aiohttp",
    "multidict": "httpx+aiohttp",
    "aiosignal": "httpx+aiohttp",
    "frozenlist": "httpx+aiohttp",
    "asyncpg": "asyncpg",
    "pydantic": "pydantic",
    "opentelemetry": "opentelemetry",
    "asyncio": "asyncio",
    "uvloop": "asyncio",
    "logging": "logging",
}
"""A module's first name, and the part that it is counted as."""
OTHER: Final = "other"


class Profiler:
    """Counts stacks between `start` and `stop`. Of one process's main thread; made once."""

    def __init__(self) -> None:
        self.samples: Counter[str] = Counter()
        self._own: Counter[str] = Counter()
        self._under: Counter[str] = Counter()

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def write(self, path: Path) -> None:
        """Parts and functions with their number of samples; `under` counts a function and all that it called."""
        total = sum(self.samples.values())
        said: dict[str, Any] = {
            "samples": total,
            "parts": dict(self.samples.most_common()),
            "own": dict(self._own.most_common(_SHOWN)),
            "under": dict(self._under.most_common(_SHOWN * 3)),
        }
        path.write_text(json.dumps(said, indent=1), encoding="utf-8")

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        names = list(_names(frame))
        self.samples[part_of([module for module, _ in names])] += 1
        if names:
            self._own[":".join(names[0])] += 1
        self._under.update({":".join(name) for name in names})


def part_of(modules: list[str]) -> str:
    """The part that a stack belongs to, innermost module first.

    `asyncio` runs everything, so that it counts only where nobody else stands between.
    """
    for module in modules:
        part = PARTS.get(module.partition(".")[0])
        if part is not None:
            return part
    return OTHER


def run_profiled(path: Path) -> None:
    """Run a worker, profile it from SIGUSR1 to SIGUSR2, and write what was found to `path` when it ends."""
    profiler = Profiler()
    signal.signal(signal.SIGUSR1, lambda *_: profiler.start())
    signal.signal(signal.SIGUSR2, lambda *_: profiler.stop())
    try:
        from infra.cli.app import main  # noqa: PLC0415 - what the worker loads is part of what it costs

        main(["worker", "--json"])
    finally:
        profiler.stop()
        profiler.write(path)


def _names(frame: FrameType | None) -> Iterator[tuple[str, str]]:
    while frame is not None:
        yield frame.f_globals.get("__name__", "?"), frame.f_code.co_qualname
        frame = frame.f_back
