"""`kolaj ledger show`."""

from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from agents.pool import open_pool
from agents.sql import statement
from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, tables
from infra.settings import Settings, read_settings

app = typer.Typer(no_args_is_help=True, help="Look into the ledger.")


@app.callback()
def ledger() -> None:
    """Keeps `show` a command of its own."""


@app.command()
def show(
    command: Annotated[UUID, typer.Argument(help="The command's id, its record's ce_id.")],
    *,
    json: Annotated[bool, Json] = False,
) -> None:
    """Show where a command stands: claimed, sending or concluded, who holds its key, and what was sent for it."""
    found = run(_look(read_settings(kafka=False), command))
    if found is None:
        raise Failed(f"the ledger has never claimed command {command}")
    if json:
        emit(found)
        return
    table = Table("field", "value", show_header=False)
    for name, value in found.items():
        table.add_row(name, "" if value is None else str(value))
    tables().print(table)


async def _look(settings: Settings, command: UUID) -> dict[str, Any] | None:
    pool = await open_pool(settings.database_url.get_secret_value(), size=1, application_name="kolaj-cli")
    try:
        row = await pool.fetchrow(statement("look"), command)
    finally:
        await pool.close()
    return None if row is None else dict(row)
