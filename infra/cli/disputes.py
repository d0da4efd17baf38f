"""`kolaj disputes list | show`: payments that payers dispute, as the tables tell of them."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, tables
from infra.cli.table_rows import plain, rows_of
from infra.settings import read_settings
from schemas.envelope import rfc3339
from schemas.money import Money

app = typer.Typer(
    no_args_is_help=True, help="Payments that payers dispute, as the tables tell of them: state, money, deadline."
)

Integration = Annotated[str | None, typer.Option(help="Only those at this integration.")]

_HEADINGS: Final = ("respond by", "dispute", "integration", "payment id", "state", "stage", "amount", "taken", "reason")


@app.command("list")
def list_them(
    *,
    integration: Integration = None,
    state: Annotated[str | None, typer.Option(help="Such as needs_response or under_review.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many.")] = 50,
    json: Annotated[bool, Json] = False,
) -> None:
    """List open disputes, those first whose answer is due the soonest."""
    rows = run(rows_of(read_settings(kafka=False), "disputes/list", integration, state, every, limit))
    if json:
        for row in rows:
            emit(plain(row))
        return
    table = Table(
        "respond by", "dispute", "integration", "payment id", "state", "stage", "amount", "withdrawn", "reason"
    )
    for row in rows:
        table.add_row(*map(escape, _shown(row)))
    tables().print(table)


@app.command()
def show(
    dispute: Annotated[str, typer.Argument(metavar="DISPUTE", help="The provider's own id of it.")],
    *,
    integration: Integration = None,
    json: Annotated[bool, Json] = False,
) -> None:
    """Show all that was told of one dispute, the oldest first."""
    found = run(rows_of(read_settings(kafka=False), "disputes/show", dispute, integration))
    if not found:
        raise Failed(f"no dispute {dispute} is in the tables; `kolaj projections status` tells their lag")
    for row in found:
        if json:
            emit(plain(row))
        else:
            tables().print_json(data=plain(row))


def _shown(row: Mapping[str, Any]) -> tuple[str, ...]:
    due = "" if row["respond_by"] is None else rfc3339(row["respond_by"])
    amount = Money(minor=row["amount_minor"], currency=row["currency"])
    withdrawn = Money(minor=row["withdrawn_minor"], currency=row["withdrawn_currency"])
    names = (row["dispute_reference"], row["integration_id"], str(row["payment_id"]))
    return (due, *names, row["state"], row["stage"] or "", str(amount), str(withdrawn), row["reason"])
