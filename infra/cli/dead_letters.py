"""`kolaj dead-letters list | show | requeue`."""

from collections import deque
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, say, tables
from infra.cli.record_json import as_json
from infra.cli.requeueing import Tally, Wish, check_choice, integration_of, requeue_all, requeue_these
from infra.settings import Settings, read_settings
from schemas.errors import UnreadableRecord
from streams.dead_letters import DeadLetter, read_dead_letter
from streams.reader import read_at, replay

app = typer.Typer(
    no_args_is_help=True, help="Records that could not be read or sent. Each is named by its PARTITION/OFFSET."
)

Places = Annotated[list[str] | None, typer.Argument(metavar="[PARTITION/OFFSET]...", help="As `list` shows them.")]


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
            dead.place,
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
    places: Places = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All with the --reason, each at most once.")] = False,
    reason: Annotated[str | None, typer.Option(help="With --all: which, such as gave_up.")] = None,
    integration: Annotated[str | None, typer.Option(help="With --all: only commands of this integration.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="With --all: at most so many; run it again for the rest.")] = 10_000,
    again: Annotated[bool, typer.Option("--again", help="One more attempt for what was sent again before.")] = False,
    as_new: Annotated[bool, typer.Option("--new-id", help="As a new command, its old id kept in ce_retryof.")] = False,
    json: Annotated[bool, Json] = False,
) -> None:
    """Send dead letters to their topics again, byte for byte.

    One that the hub never took as a command keeps its id. One it gave up goes as a new command: its own id has its
    result. It goes once, however often that is asked for; --again makes one more attempt.
    """
    named = places or []
    check_choice(named, reason, every=every)
    settings = read_settings(database=False)
    wish = Wish(as_new=as_new, again=again, json=json)
    if every:
        tally = run(requeue_all(settings, reason or "", integration, limit, wish))
        say(f"{tally.sent} sent, {tally.before} were sent before")
        if tally.left:
            say(f"more than {limit} are there: run it again for the rest")
    else:
        tally = run(_requeue(settings, named, wish))
    if tally.refused:
        raise Failed(f"{tally.refused} of {tally.sent + tally.refused} were not sent")


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


async def _requeue(settings: Settings, places: list[str], wish: Wish) -> Tally:
    return await requeue_these(settings, [await _at(settings, place) for place in places], wish)


def _facts(dead: DeadLetter) -> dict[str, Any]:
    return {
        "place": dead.place,
        "reason": dead.reason,
        "field": dead.field,
        "detail": dead.detail,
        "topic": dead.topic,
        "partition": dead.partition,
        "offset": dead.offset,
        "attempts": dead.attempts,
        "masked": dead.masked,
        "cut_from": dead.cut_from,
        "integration": integration_of(dead),
    }


def _hindrance(dead: DeadLetter) -> str | None:
    if dead.masked:
        return "no: masked"
    return "no: cut" if dead.cut_from is not None else None
