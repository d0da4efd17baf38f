"""`kolaj providers`: what the connectors say of themselves."""

from typing import Annotated, Any

import typer
from rich.table import Table

from infra.cli.output import Json, emit, tables
from providers.connector import Connector
from providers.registry import connectors

app = typer.Typer(invoke_without_command=True)


@app.callback()
def providers(*, json: Annotated[bool, Json] = False) -> None:
    """List the connectors straight from their declarations: what each can do, and what an account of it needs."""
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
