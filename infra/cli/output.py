"""What commands print: tables and progress for people, JSON for scripts."""

import asyncio
import json
import logging
import sys
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Final, TypeVar

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

T = TypeVar("T")

Json = typer.Option("--json", help="Print JSON for scripts.")

_QUIET: Final = ("aiokafka", "asyncio")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work. Where no logs were set up, clients' own error lines are off: ours says what failed."""
    if not logging.getLogger().handlers:
        for name in _QUIET:
            logging.getLogger(name).setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def tables() -> Console:
    """For tables on stdout; when nobody watches, lines are as long as they are."""
    console = Console()
    return console if console.is_terminal else Console(width=200)


def progress(unit: str) -> Progress:
    """On stderr, so that stdout stays what was asked for; nothing when nobody watches."""
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def say(text: str) -> None:
    """A word for people, on stderr."""
    print(text, file=sys.stderr)


def emit(value: Any) -> None:
    """One line of JSON on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def moment(text: str) -> datetime:
    """Read a moment of the command line.

    Raises:
        typer.BadParameter: not RFC 3339 with an offset.
    """
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is not a moment; write it like 2026-11-25T10:00:00Z") from None
    if parsed.tzinfo is None:
        raise typer.BadParameter(f"{text} has no offset; end it with Z for UTC, or with one such as +03:00")
    return parsed
