"""`kolaj webhooks list | show | body`: providers' calls as the tables tell of them, and what they said."""

import base64
import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from agents.sealing import Seal
from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, tables
from infra.cli.table_rows import plain, rows_of
from infra.credential_store import key_ring
from infra.settings import Settings, read_settings
from schemas.envelope import rfc3339
from schemas.webhooks import WebhookReceived
from streams.codec import decode
from streams.picking import RecordPicker
from streams.records import RawRecord

app = typer.Typer(no_args_is_help=True, help="Providers' calls to the hub, and what became of them.")


@app.command("list")
def list_them(
    *,
    integration: Annotated[str | None, typer.Option(help="Only calls for this integration.")] = None,
    status: Annotated[
        str | None, typer.Option(help="received, processed, unresolved, about_nothing or rejected.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the newest first.")] = 50,
    json: Annotated[bool, Json] = False,
) -> None:
    """List events: who told them, how often, what became of them; and counts of calls that were refused."""
    rows = run(rows_of(read_settings(kafka=False), "webhooks/list", integration, status, limit))
    if json:
        for row in rows:
            emit(plain(row))
        return
    table = Table("integration", "event", "type", "status", "times", "last", "payment or why")
    for row in rows:
        about = row["payment_id"] or row["why"] or row["detail"] or ""
        told = (row["integration_id"], row["event_id"] or "", row["event_type"] or "", row["status"], row["times"])
        table.add_row(*(escape(str(cell)) for cell in (*told, rfc3339(row["last_at"]), about)))
    tables().print(table)


@app.command()
def show(
    integration: Annotated[str, typer.Argument(metavar="INTEGRATION")],
    event: Annotated[str, typer.Argument(metavar="EVENT_ID", help="As `list` shows it.")],
    *,
    json: Annotated[bool, Json] = False,
) -> None:
    """Show one event, with every record about it and where that lies in the log; `body` shows what was said."""
    settings = read_settings(kafka=False)
    found = run(rows_of(settings, "webhooks/event", integration, event))
    if not found:
        raise Failed(f"no event {event} of {integration} is in the tables; `kolaj projections status` tells their lag")
    records = run(rows_of(settings, "webhooks/records", integration, event))
    whole = {**plain(found[0]), "records": [plain(row) for row in records]}
    if json:
        emit(whole)
    else:
        tables().print_json(data=whole)


@app.command()
def body(
    integration: Annotated[str, typer.Argument(metavar="INTEGRATION")],
    event: Annotated[str, typer.Argument(metavar="EVENT_ID", help="As `list` shows it.")],
) -> None:
    """Write the bytes of the event's last call, opened with the master key. They may tell of persons."""
    settings = read_settings()
    seal = Seal(key_ring(settings))
    records = run(rows_of(settings, "webhooks/records", integration, event))
    received = [row for row in records if row["kind"] == "received"]
    if not received:
        raise Failed(f"no call about event {event} of {integration} is in the tables; `kolaj webhooks list` shows them")
    last = max(received, key=lambda row: (row["at"], row["offset"]))
    found = run(_picked(settings, last["topic"], last["partition"], last["offset"]))
    if found is None:
        raise Failed("the call does not lie in the log any more: bodies are kept for 90 days")
    told = decode({WebhookReceived.type: WebhookReceived}, found.key, found.value, found.readable_headers)
    sys.stdout.buffer.write(seal.open_call(base64.b64decode(told.body.sealed), told.envelope.id))


async def _picked(settings: Settings, topic: str, partition: int, offset: int) -> RawRecord | None:
    picker = RecordPicker(settings.kafka)
    try:
        return await picker.pick(topic, partition, offset)
    finally:
        await picker.aclose()
