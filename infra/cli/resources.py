"""`kolaj resources list | show`: what stands at providers beside payments, as the tables tell of it."""

import json as written
from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, tables
from infra.cli.table_rows import plain, rows_of
from infra.settings import read_settings

app = typer.Typer(
    no_args_is_help=True, help="Cards, subscriptions, sub-merchants and links, as the tables tell of them."
)

_SHOWN = ("resource_id", "kind", "stage", "integration_id", "provider_reference", "last_verdict", "last_reason")


@app.command("list")
def list_them(
    *,
    integration: Annotated[str | None, typer.Option(help="Only those at this integration.")] = None,
    kind: Annotated[str | None, typer.Option(help="card, product, plan, subscription, sub_merchant or link.")] = None,
    stage: Annotated[str | None, typer.Option(help="new, pending, active, ended or unsettled.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the last changed first.")] = 50,
    json: Annotated[bool, Json] = False,
) -> None:
    """List resources: what they are, how they stand, and what became of the last command about each."""
    rows = run(rows_of(read_settings(kafka=False), "resources/list", integration, kind, stage, limit))
    if json:
        for row in rows:
            emit(plain(row))
        return
    table = Table(*(name.replace("_", " ") for name in _SHOWN))
    for row in rows:
        table.add_row(*(escape(str(row[name] or "")) for name in _SHOWN))
    tables().print(table)


@app.command()
def show(
    resource: Annotated[UUID, typer.Argument(metavar="RESOURCE_ID")], *, json: Annotated[bool, Json] = False
) -> None:
    """Show one resource, with what its provider told of it last."""
    found = run(rows_of(read_settings(kafka=False), "resources/show", resource))
    if not found:
        raise Failed(f"no resource {resource} is in the tables; `kolaj projections status` tells their lag")
    whole = plain(found[0])
    if "details" in whole:
        whole["details"] = written.loads(whole["details"])
    if json:
        emit(whole)
    else:
        tables().print_json(data=whole)
