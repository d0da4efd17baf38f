"""`kolaj worker`."""

from typing import Annotated

import typer

from infra.cli.output import Json
from infra.cli.process import ReadyPath, run_process
from infra.worker import run_worker

app = typer.Typer()


@app.command()
def worker(*, json: Annotated[bool, Json] = False, ready_file: ReadyPath = None) -> None:
    """Perform commands at the providers until stopped. Topics and tables are made when they are missing."""
    run_process("worker", run_worker, json=json, ready_file=ready_file)
