"""`kolaj commands show | waiting | cancel | resolve`."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from agents.parking import wake_record
from agents.sql import statement
from infra.cli.by_hand import By, Why, event_of, ledger_of, named
from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, say, tables
from infra.cli.resolving import resolve
from infra.settings import Settings, read_settings
from schemas.integrations import CommandWithdrawn
from streams.publisher import Publisher

app = typer.Typer(no_args_is_help=True, help="Where commands stand, and what people can do about them.")

app.command()(resolve)

CommandId = Annotated[UUID, typer.Argument(metavar="COMMAND_ID", help="The command's id, its record's ce_id.")]


@app.command()
def show(command: CommandId, *, json: Annotated[bool, Json] = False) -> None:
    """Show where a command stands: its state, what was sent for it, and whether and why it lies parked."""
    found = run(_look(read_settings(kafka=False), command))
    if found is None:
        raise Failed(f"the ledger does not know command {command}: no worker has read it yet, or its id is wrong")
    if json:
        emit(found)
        return
    table = Table("field", "value", show_header=False)
    for name, value in found.items():
        table.add_row(name, "" if value is None else escape(str(value)))
    tables().print(table)


@app.command()
def waiting(
    *,
    integration: Annotated[str | None, typer.Option(help="Only commands of this integration.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Show so many of those that have waited the longest.")] = 10,
    json: Annotated[bool, Json] = False,
) -> None:
    """Show what lies parked: how many by integration and reason, since when, and which have waited the longest."""
    counts, longest = run(_waiting(read_settings(kafka=False), integration, limit))
    if json:
        emit({"counts": counts, "longest": longest})
        return
    for title, rows in (("parked", counts), ("waiting the longest", longest)):
        if rows:
            table = Table(*(name.replace("_", " ") for name in rows[0]), title=title)
            for row in rows:
                table.add_row(*("" if value is None else escape(str(value)) for value in row.values()))
            tables().print(table)
    if not counts:
        say("nothing is parked")


@app.command()
def cancel(command: CommandId, *, by: By, why: Why, json: Annotated[bool, Json] = False) -> None:
    """Withdraw a command that lies parked. If certainly nothing was sent for it, it ends as refused: withdrawn.

    Where something may have been sent, the provider is asked as usual, and its answer stands.
    """
    key = run(_withdraw(read_settings(), command, named(by, "--by"), named(why, "--why")))
    if json:
        emit({"command_id": str(command), "key": key, "withdrawn": True})
    else:
        say(f"{command} is withdrawn; `kolaj results --command {command} --follow` shows how it ends")


async def _look(settings: Settings, command: UUID) -> dict[str, Any] | None:
    async with ledger_of(settings) as pool:
        row = await pool.fetchrow(statement("look"), command)
    return None if row is None else dict(row)


async def _waiting(
    settings: Settings, integration: str | None, limit: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    async with ledger_of(settings) as pool:
        counts = await pool.fetch(statement("waiting"), integration)
        longest = await pool.fetch(statement("waiting_longest"), integration, limit)
    return [dict(row) for row in counts], [dict(row) for row in longest]


async def _withdraw(settings: Settings, command: UUID, by: str, why: str) -> str:
    async with ledger_of(settings) as pool, Publisher(settings.kafka, client_id="kolaj-operator") as publisher:
        async with pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(statement("withdraw"), command, f"{by}: {why}")
            if row is None:
                raise Failed(_why_not(command, await connection.fetchrow(statement("look"), command)))
            if row["fresh"]:
                act = CommandWithdrawn(
                    command_id=command,
                    key=row["key"],
                    integration_id=row["integration_id"],
                    withdrawn_by=by,
                    why=why,
                    withdrawn_at=datetime.now(UTC),
                )
                # Before the commit: nothing is withdrawn that the audit log was not told.
                await publisher.publish([event_of(settings, act, row["key"], f"withdrawn/{command}")])
            else:
                say(f"it was withdrawn before, by {row['withdrawn']}")
        _, shortest = settings.topics.retries[0]
        await publisher.publish([wake_record(shortest, row["key"])])
        key: str = row["key"]
        return key


def _why_not(command: UUID, found: Any) -> str:
    if found is None:
        return f"the ledger does not know command {command}: no worker has read it yet, or its id is wrong"
    if found["state"] == "concluded":
        return f"command {command} has ended already as {found['result_type']}; it cannot be withdrawn any more"
    return f"command {command} does not lie parked, a worker is at it ({found['state']}); try again"
