"""Running a long-lived process from the command line: signals, telemetry, the line that says it is ready."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Protocol

import typer

from infra.cli.output import emit, run, say
from infra.readiness import ReadyFile
from infra.settings import Settings, read_settings
from infra.telemetry import set_up


class OnReady(Protocol):
    """Called once the process works; with its addresses where it has any."""

    def __call__(self, base_url: str | None = None, metrics_url: str | None = None) -> None: ...


class Main(Protocol):
    """What a process does until it is told to stop."""

    def __call__(
        self,
        settings: Settings,
        stop: asyncio.Event,
        *,
        on_ready: OnReady,
        on_health: Callable[[str | None], None],
    ) -> Awaitable[None]: ...


ReadyPath = Annotated[
    Path | None,
    typer.Option(
        "--ready-file", metavar="PATH", help="A file that is there while the process is ready, for a probe: test -f."
    ),
]


def run_process(name: str, main: Main, *, json: bool, ready_file: Path | None = None) -> None:
    """Run `main` until SIGTERM or SIGINT, which let it drain.

    Raises:
        SettingsError, StoreError: it cannot start, or cannot go on.
    """
    settings = read_settings()
    file = ReadyFile(ready_file)
    telemetry = set_up(settings, name)
    _collect_seldom()

    async def work() -> None:
        stop = stop_on_signals()
        await main(
            settings,
            stop,
            on_ready=partial(_ready, name, json),
            on_health=lambda problem: file.say(ready=problem is None and not stop.is_set()),
        )

    try:
        run(work())
    finally:
        file.say(ready=False)
        telemetry.shutdown()


def _collect_seldom() -> None:
    """Let Python look for cycles seldom, and never through what was loaded at the start.

    Almost all that a command makes goes when its last user lets go. Python's own thresholds (700, 10, 10) had it look
    through everything again and again, which took a good part of a worker's processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _ready(name: str, json: bool, base_url: str | None = None, metrics_url: str | None = None) -> None:
    if json:
        addresses = {"base_url": base_url, "metrics_url": metrics_url}
        told = {"ready": True, "process": name, "pid": os.getpid()}
        emit(told | {place: url for place, url in addresses.items() if url is not None})
        sys.stdout.flush()  # the parent waits for this line, and a file is written in blocks
    else:
        where = f"{name} is ready" if base_url is None else f"{name} is ready at {base_url}"
        say(f"{where} (pid {os.getpid()}); stop it with Ctrl-C or SIGTERM, it drains first")
