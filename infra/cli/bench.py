"""`kolaj bench`."""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from infra.bench import FULL, PARTS, SINGLE, TINY, draw, run_bench
from infra.cli.output import emit, run, say
from infra.cli.process import stop_on_signals
from infra.settings import read_settings
from streams.kafka import KafkaAccess

app = typer.Typer(no_args_is_help=False, help="Measure the hub against a bare loop, and draw it.")

OUT: Final = Path("build/bench.svg")
_HOST: Final = "127.0.0.1"

Loop = Callable[..., Awaitable[None]]
Topic = Annotated[str, typer.Option(metavar="TOPIC")]


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    *,
    part: Annotated[
        str | None, typer.Option(help=f"One of {', '.join((*PARTS, *SINGLE))}; else all but the last.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the picture goes; the details lie beside it as JSON.")] = OUT,
    tiny: Annotated[
        bool, typer.Option("--tiny", help="Only show that every part works; figures mean nothing.")
    ] = False,
) -> None:
    """Measure rates, added time, memory and processor time, all in one run on this machine.

    The last line is one JSON object. Ratios are taken between neighbours in time, and are what counts.
    """
    if context.invoked_subcommand is not None:
        return
    if part is not None and part not in {**PARTS, **SINGLE}:
        raise typer.BadParameter(f"may be {', '.join((*PARTS, *SINGLE))}", param_hint="--part")
    logging.disable(logging.WARNING)  # the processes write their own logs; here only the figures are wanted
    found = run(run_bench(TINY if tiny else FULL, say, part=part))
    draw(found.line, out)
    details = {"line": found.line, "took_s": found.took_s, **found.details}
    out.with_suffix(".json").write_text(json.dumps(details, indent=1), encoding="utf-8")
    say(f"the picture is {out}")
    emit(found.line)


@app.command(hidden=True)
def provider(*, pause_ms: Annotated[float, typer.Option(min=0)] = 0.0) -> None:
    """Answer each request like iyzico, at once or after a pause, until stopped."""
    from infra.bench.provider import serve  # noqa: PLC0415 - the other loops do not load it

    def ready(port: int) -> None:
        emit({"ready": True, "base_url": f"http://{_HOST}:{port}"})
        sys.stdout.flush()

    async def work() -> None:
        await serve(stop_on_signals(), pause_s=pause_ms / 1000, on_ready=ready)

    run(work())


@app.command(hidden=True)
def bare(*, backlog: Topic, out: Topic, url: Annotated[str, typer.Option()]) -> None:
    """The bare loop, until stopped."""
    from infra.bench.bare import loop  # noqa: PLC0415 - the other loops do not load it

    run(_run_loop(loop, backlog, out, url))


@app.command(hidden=True)
def naive(*, backlog: Topic, out: Topic, url: Annotated[str, typer.Option()]) -> None:
    """The naive agent, until stopped. On asyncio's own loop, as Faust starts it."""
    from infra.bench.naive import loop  # noqa: PLC0415 - the other loops do not load it

    asyncio.run(_run_loop(loop, backlog, out, url))


@app.command(hidden=True)
def profiled_worker(path: Path) -> None:
    """A worker whose processor time is looked at from SIGUSR1 to SIGUSR2; what was seen goes to PATH."""
    from infra.bench.profiler import run_profiled  # noqa: PLC0415 - the other loops do not load it

    run_profiled(path)


async def _run_loop(loop: Loop, backlog: str, out: str, url: str) -> None:
    access: KafkaAccess = read_settings(database=False).kafka
    await loop(access, backlog, out, url, stop_on_signals(), on_ready=_ready)


def _ready() -> None:
    emit({"ready": True})
    sys.stdout.flush()
