"""`kolaj chaos`."""

import logging
from pathlib import Path
from typing import Annotated, Final

import typer

from infra.chaos import Passed, Wanted, code_digest, parse_seeds, run_chaos
from infra.chaos.publishing import publish_list
from infra.cli.output import emit, run, say
from infra.settings import read_settings

app = typer.Typer(no_args_is_help=False, add_completion=False, help="Break the hub on purpose, and count afterwards.")

SECONDS: Final = 100.0
COMMANDS: Final = 2000


@app.callback(invoke_without_command=True)
def chaos(
    context: typer.Context,
    *,
    seed: Annotated[int | None, typer.Option(min=0, help="One seed; the same seed is the same plan.")] = None,
    seeds: Annotated[str | None, typer.Option(metavar="1..10", help="Several seeds, one after another.")] = None,
    seconds: Annotated[float, typer.Option(min=20, max=120, help="How long commands flow and things break.")] = SECONDS,
    brokers: Annotated[int, typer.Option(min=1, max=3, help="1, or 3 that keep everything three times.")] = 3,
    commands: Annotated[int, typer.Option(min=50, max=10_000, help="How many commands are published.")] = COMMANDS,
    state: Annotated[
        Path | None, typer.Option(help="Remembers in this file which seeds passed, and does not run them again.")
    ] = None,
) -> None:
    """Kill, freeze and starve real processes while commands flow, and balance what is there at the end.

    Each seed gives one line of JSON, in four minutes at most. Exit code 0 only if no command is lost, none is performed
    twice, each has one result, and the tables are what the log says.
    """
    if context.invoked_subcommand is not None:
        return
    if brokers == 2:  # noqa: PLR2004 - with two, one that is away stops everything
        raise typer.BadParameter("may be 1 or 3", param_hint="--brokers")
    try:
        chosen = parse_seeds(seeds) if seeds else (1 if seed is None else seed,)
    except ValueError as bad:
        raise typer.BadParameter(str(bad), param_hint="--seeds") from bad
    logging.disable(logging.CRITICAL)  # the processes write their own logs; clients here complain of every outage
    passed = None if state is None else Passed(state, code_digest())
    failed = [one for one in chosen if not _passes(Wanted(one, seconds, brokers, commands), passed)]
    if failed:
        say(f"failed: seeds {', '.join(map(str, failed))}")
        raise typer.Exit(1)


def _passes(wanted: Wanted, passed: Passed | None) -> bool:
    kept = None if passed is None else passed.line(wanted)
    if kept is not None:
        say(f"seed {wanted.seed} has passed before, with this code and these settings")
        emit(kept)
        return True
    outcome = run(run_chaos(wanted, say))
    emit(outcome.line())
    if outcome.passed and passed is not None:
        passed.keep(wanted, outcome.line())
    return outcome.passed


@app.command(hidden=True)
def publisher(
    *,
    seed: Annotated[int, typer.Option()],
    commands: Annotated[int, typer.Option()],
    began_ms: Annotated[int, typer.Option()],
    rate: Annotated[float, typer.Option(help="Records a second; 0 for as fast as it goes.")] = 0,
    cursor: Annotated[Path | None, typer.Option(help="Keeps how far the list was sent.")] = None,
    first: Annotated[int, typer.Option(help="Begin with this record.")] = 0,
    upto: Annotated[int | None, typer.Option(help="Stop before this record.")] = None,
) -> None:
    """Publish the list of a run; chaos starts it as a process of its own."""
    settings = read_settings(database=False)
    run(
        publish_list(
            settings,
            seed=seed,
            commands=commands,
            began_ms=began_ms,
            rate=rate,
            cursor=cursor,
            first=first,
            upto=upto,
        )
    )
