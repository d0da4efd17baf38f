"""`kolaj gateway`."""

from typing import Annotated

import typer

from infra.cli.output import Json
from infra.cli.process import ReadyPath, run_process
from infra.gateway.process import run_gateway

app = typer.Typer()


@app.command()
def gateway(*, json: Annotated[bool, Json] = False, ready_file: ReadyPath = None) -> None:
    """Take commands and webhooks over HTTP, and tell results, until stopped; it listens at KOLAJ_GATEWAY_BIND."""
    run_process("gateway", run_gateway, json=json, ready_file=ready_file)
