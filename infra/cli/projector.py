"""`kolaj projector`."""

from typing import Annotated

import typer

from infra.cli.output import Json
from infra.cli.process import ReadyPath, run_process
from infra.projector import run_projector

app = typer.Typer()


@app.command()
def projector(*, json: Annotated[bool, Json] = False, ready_file: ReadyPath = None) -> None:
    """Keep the tables up with the events until stopped."""
    run_process("projector", run_projector, json=json, ready_file=ready_file)
