"""`kolaj up`."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer
from platformdirs import user_data_path

from infra.cli.output import run, say
from infra.cli.process import stop_on_signals
from infra.up import run_up

app = typer.Typer()

_OURS: Final = ("KOLAJ_", "OTEL_", "INTEGRATION_")


@app.command()
def up(
    *,
    workers: Annotated[int, typer.Option(min=1, max=16, help="How many worker processes.")] = 1,
    sandbox: Annotated[bool, typer.Option(help="Serve an iyzico sandbox, unless KOLAJ_INTEGRATIONS is set.")] = True,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where broker and database keep their files; the next start goes on there.")
    ] = None,
) -> None:
    """Run broker, database, sandbox, workers, projector and gateway on this machine until interrupted.

    One broker on one disk: fine to try the hub, not to keep its promise through the loss of that disk.
    """
    folder = data_dir if data_dir is not None else user_data_path("kolaj-hub")

    async def work() -> None:
        await run_up(
            say, stop_on_signals(), data_dir=folder, workers=workers, sandbox=sandbox, environment=_environment()
        )

    run(work())


def _environment() -> dict[str, str]:
    """The hub's own variables, and the secrets of the integrations that they name."""
    named = os.environ.get("KOLAJ_INTEGRATIONS") is not None
    return {name: value for name, value in os.environ.items() if named or name.startswith(_OURS)}
