"""`kolaj dead-letters list | show | requeue`."""

from collections import deque
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, say, tables
from infra.cli.record_json import as_json
from infra.settings import Settings, read_settings
from schemas.errors import UnreadableRecord
from schemas.ids import new_id
from streams.dead_letters import DeadLetter, NotRequeuable, read_dead_letter, requeue
from streams.publisher import Publisher
from streams.reader import read_at, replay

app = typer.Typer(no_args_is_help=True, help="Records that could not be read. Each is named by its PARTITION/OFFSET.")

Places = Annotated[list[str], typer.Argument(metavar="PARTITION/OFFSET", help="As `list` shows them.")]


@app.command("list")
def list_them(
    *,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the newest of each partition.")] = 50,
    reason: Annotated[str | None, typer.Option(help="Only those with this reason, such as not_json.")] = None,
    json: Annotated[bool, Json] = False,
) -> None:
    """List dead letters: where they lie, what was wrong with them, where they came from."""
    settings = read_settings(database=False)
    found = run(_list(settings, limit, reason))
    if json:
        for dead in found:
            emit(_facts(dead))
        return
    table = Table("place", "reason", "field", "what to do", "from", "failed", "requeue")
    for dead in found:
        table.add_row(
            f"{dead.record.partition}/{dead.record.offset}",
            escape(dead.reason),
            escape(dead.field),
            escape(dead.detail),
            escape(f"{dead.topic} {dead.partition}/{dead.offset}"),
            str(dead.attempts),
            _hindrance(dead) or "yes",
        )
    tables().print(table)


@app.command()
def show(
    place: Annotated[str, typer.Argument(metavar="PARTITION/OFFSET")], *, json: Annotated[bool, Json] = False
) -> None:
    """Show one dead letter whole."""
    settings = read_settings(database=False)
    dead = run(_at(settings, place))
    whole = {**_facts(dead), "record": as_json(dead.record)}
    if json:
        emit(whole)
    else:
        tables().print_json(data=whole)


@app.command("requeue")
def send_again(
    places: Places,
    *,
    as_new: Annotated[bool, typer.Option("--new-id", help="As a new command, its old id kept in a header.")] = False,
    json: Annotated[bool, Json] = False,
) -> None:
    """Send dead letters to their topics again, byte for byte. Each request is a new attempt."""
    settings = read_settings(database=False)
    refused = run(_requeue(settings, places, as_new=as_new, json=json))
    if refused:
        raise Failed(f"{refused} of {len(places)} were not sent")


async def _list(settings: Settings, limit: int, reason: str | None) -> list[DeadLetter]:
    newest: dict[int, deque[DeadLetter]] = {}
    async for record in replay(settings.kafka, settings.topics.dead_letters.name):
        try:
            dead = read_dead_letter(record)
        except UnreadableRecord as bad:
            say(f"{record.partition}/{record.offset}: {bad}")
            continue
        if reason in {None, dead.reason}:
            newest.setdefault(record.partition, deque(maxlen=limit)).append(dead)
    found = sorted((dead for kept in newest.values() for dead in kept), key=lambda dead: dead.record.timestamp_ms)
    return found[-limit:]


async def _at(settings: Settings, place: str) -> DeadLetter:
    partition, slash, offset = place.partition("/")
    if not (slash and partition.isdecimal() and offset.isdecimal()):
        raise Failed(f"{place} is no place; write PARTITION/OFFSET as `kolaj dead-letters list` shows it")
    topic = settings.topics.dead_letters.name
    record = await read_at(settings.kafka, topic, int(partition), int(offset))
    if record is None:
        raise Failed(f"no dead letter lies at {place} of {topic}; `kolaj dead-letters list` shows which do")
    return read_dead_letter(record)


async def _requeue(settings: Settings, places: list[str], *, as_new: bool, json: bool) -> int:
    refused = 0
    ours = {topic.name for topic in settings.topics.all()}
    letters = [await _at(settings, place) for place in places]
    async with Publisher(settings.kafka, client_id="kolaj-requeue") as publisher:
        for place, dead in zip(places, letters, strict=True):
            request_id, fresh = new_id(), new_id() if as_new else None
            why = None if dead.topic in ours else f"dead letter {place} came from {dead.topic}, no topic of this hub"
            try:
                outgoing = requeue(dead, request_id=request_id, new_id=fresh)
            except NotRequeuable as hindrance:
                why = str(hindrance)
            if why is not None:
                say(why)
                refused += 1
                continue
            (to,) = await publisher.publish([outgoing])
            if json:
                sent = {"place": place, "topic": to.topic, "partition": to.partition, "offset": to.offset}
                emit({**sent, "request_id": str(request_id), "command_id": None if fresh is None else str(fresh)})
            else:
                say(f"{place} was sent to {to.topic} {to.partition}/{to.offset}, request {request_id}")
    return refused


def _facts(dead: DeadLetter) -> dict[str, Any]:
    return {
        "place": f"{dead.record.partition}/{dead.record.offset}",
        "reason": dead.reason,
        "field": dead.field,
        "detail": dead.detail,
        "topic": dead.topic,
        "partition": dead.partition,
        "offset": dead.offset,
        "attempts": dead.attempts,
        "masked": dead.masked,
        "cut_from": dead.cut_from,
    }


def _hindrance(dead: DeadLetter) -> str | None:
    if dead.masked:
        return "no: masked"
    return "no: cut" if dead.cut_from is not None else None
