"""`kolaj worker`."""

from typing import Annotated

import typer

from infra.cli.output import Json
from infra.cli.process import run_process
from infra.worker import run_worker

app = typer.Typer()


@app.command()
def worker(*, json: Annotated[bool, Json] = False) -> None:
    """Perform commands at the providers until stopped. Topics and tables are made when they are missing."""
    run_process("worker", run_worker, json=json)
