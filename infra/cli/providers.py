"""`kolaj providers`: what the connectors say of themselves."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from infra.cli.failing import Failed
from infra.cli.output import Json, emit, tables
from providers import verified
from providers.connector import Connector
from providers.registry import connectors

app = typer.Typer(invoke_without_command=True)


@app.callback()
def providers(context: typer.Context, *, json: Annotated[bool, Json] = False) -> None:
    """List the connectors straight from their declarations: what each can do, and what an account of it needs."""
    if context.invoked_subcommand is not None:
        return
    told = [_told(connector) for _, connector in sorted(connectors().items())]
    if json:
        emit(told)
        return
    table = Table("provider", "kind", "environments", "commands", "queries", "webhooks", "credentials", "settings")
    for one in told:
        lists = (one[name] for name in ("environments", "operations", "queries", "webhooks", "credentials"))
        words = [*lists, one["settings"]["properties"]]
        table.add_row(one["provider"], one["kind"], *("\n".join(part) for part in words))
    tables().print(table)


@app.command()
def table(
    into: Annotated[Path | None, typer.Option(help="Put it into this file, between its marks.", exists=True)] = None,
) -> None:
    """Print, as Markdown, which operation each connector performs, and what of it is verified by whom."""
    markdown = verified.table(connectors().values())
    if into is None:
        typer.echo(markdown, nl=False)
        return
    try:
        text = verified.with_table(into.read_text(encoding="utf-8"), markdown)
    except ValueError as bad:
        raise Failed(str(bad)) from bad
    into.write_text(text, encoding="utf-8")


def _told(connector: Connector) -> dict[str, Any]:
    return {
        "provider": connector.name,
        "kind": connector.kind,
        "version": connector.version,
        "environments": list(connector.environments),
        "operations": [operation.command.type for operation in connector.operations],
        "queries": [read.name for read in connector.reads],
        "webhooks": [] if connector.webhooks is None else list(connector.webhooks.kinds),
        "credentials": list(connector.credentials),
        "settings": connector.settings.model_json_schema(),
    }
