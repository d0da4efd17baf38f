"""`kolaj results`."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.table import Table

from infra.cli.failing import Failed
from infra.cli.output import Json, emit, moment, run, say, tables
from infra.settings import Settings, read_settings
from schemas.envelope import rfc3339
from schemas.errors import UnreadableRecord
from schemas.payments.resources import ResourceResult
from schemas.payments.results import CommandResult
from schemas.payments.vocabulary import EVENTS, Ending
from streams.codec import Incoming, decode
from streams.reader import follow, replay
from streams.records import RawRecord
from streams.seen import SeenIds

app = typer.Typer()

MODELS: Final = {model.type: model for model in EVENTS}
_STYLES: Final = {"accepted": "green", "refused": "yellow", "pending": "cyan", "unknown": "bold red"}


@app.command()
def results(
    *,
    keep_on: Annotated[bool, typer.Option("--follow", help="Go on as results come, until interrupted.")] = False,
    command: Annotated[UUID | None, typer.Option(help="Only the result of this command; stop once it came.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Only results from this moment on (RFC 3339).")] = None,
    timeout_s: Annotated[float | None, typer.Option("--timeout", min=0, help="Stop following after seconds.")] = None,
    json: Annotated[bool, Json] = False,
) -> None:
    """Show the results of commands, each once, however often it lies in the log."""
    start = None if since is None else moment(since)
    settings = read_settings(database=False)
    found = run(_show(settings, command, start, timeout_s, keep_on=keep_on, json=json))
    if command is not None and not found:
        raise Failed(f"command {command} has no result yet; wait for it with --follow")


async def _show(
    settings: Settings,
    command: UUID | None,
    start: datetime | None,
    timeout_s: float | None,
    *,
    keep_on: bool,
    json: bool,
) -> int:
    found = 0
    source = _following(settings, start) if keep_on else _lying(settings, start)
    with _printer(json=json, live=keep_on) as put:
        try:
            async with asyncio.timeout(timeout_s), aclosing(source) as records:
                async for record in records:
                    result = _result(record)
                    if result is None or command not in {None, result.body.command_id}:
                        continue
                    found += 1
                    put(record, result)
                    if command is not None:
                        break
        except TimeoutError:
            say(f"nothing more came within {timeout_s:g} s")
    if not json:
        say(f"{found} results")
    return found


async def _lying(settings: Settings, start: datetime | None) -> AsyncGenerator[RawRecord, None]:
    seen = SeenIds()
    async for record in replay(settings.kafka, settings.topics.payment_events.name, start=start):
        if seen.is_new(record.headers):
            yield record


async def _following(settings: Settings, start: datetime | None) -> AsyncGenerator[RawRecord, None]:
    first_ms = 0 if start is None else int(start.timestamp() * 1000)
    async for record in follow(settings.kafka, settings.topics.payment_events.name, seen=SeenIds()):
        if record.timestamp_ms >= first_ms:
            yield record


def _result(record: RawRecord) -> Incoming[Ending] | None:
    try:
        event = decode(MODELS, record.key, record.value, record.readable_headers)
    except UnreadableRecord as bad:
        say(f"{record.topic} {record.partition}/{record.offset}: {bad}")
        return None
    return event if isinstance(event.body, CommandResult | ResourceResult) else None  # type: ignore[return-value] # narrowed by its body


@contextmanager
def _printer(*, json: bool, live: bool) -> Iterator[Any]:
    console = tables()
    table = Table("command", "verdict", "type", "key", "reason", "concluded at", "reference")

    def put_json(record: RawRecord, result: Incoming[Ending]) -> None:
        emit(
            {
                "partition": record.partition,
                "offset": record.offset,
                "event_id": str(result.envelope.id),
                "type": result.envelope.type,
                **result.body.model_dump(mode="json", exclude_none=True),
            }
        )
        if live:
            typer.get_text_stream("stdout").flush()

    def put_row(_: RawRecord, result: Incoming[Ending]) -> None:
        if live:
            console.print("  ".join(_cells(result)))
        else:
            table.add_row(*_cells(result))

    yield put_json if json else put_row
    if not json and not live:
        console.print(table)


def _cells(result: Incoming[Ending]) -> tuple[str, ...]:
    body = result.body
    reference = (body.performed.provider_reference or "") if body.performed else ""
    reason = "abandoned" if getattr(body, "abandoned", False) else str(getattr(body, "reason", ""))
    return (
        str(body.command_id),
        f"[{_STYLES[body.verdict]}]{body.verdict}[/]",
        result.envelope.type,
        body.key,
        reason,
        rfc3339(body.concluded_at),
        reference,
    )
