"""`kolaj sender`."""

from typing import Annotated

import typer

from infra.cli.output import Json
from infra.cli.process import ReadyPath, run_process
from infra.sender import run_sender

app = typer.Typer()


@app.command()
def sender(*, json: Annotated[bool, Json] = False, ready_file: ReadyPath = None) -> None:
    """Send events to the endpoints of services that asked for them, until stopped."""
    run_process("sender", run_sender, json=json, ready_file=ready_file)
