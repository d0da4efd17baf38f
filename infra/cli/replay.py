"""`kolaj replay`."""

import json as json_text
import os
import sys
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated

import typer

from infra.cli.failing import Failed
from infra.cli.output import Json, emit, moment, progress, run, say
from infra.cli.record_json import as_json
from infra.settings import Settings, read_settings
from streams.reader import high_water_marks
from streams.reader import replay as records_of
from streams.records import RawRecord

app = typer.Typer()


@app.command()
def replay(
    *,
    start: Annotated[
        str | None, typer.Option("--from", help="A moment (RFC 3339) or an offset; else the beginning.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="A moment (RFC 3339); records from then on are left out.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Only records with this key.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Only records with this ce_type.")] = None,
    topic: Annotated[str, typer.Option(help="Full name, or what follows the prefix.")] = "payments.events",
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
    json: Annotated[bool, Json] = False,
) -> None:
    """Write exactly what lies in a topic as JSON lines, up to the end that it had when the replay began.

    Records come in offset order within each partition, the partitions one after another. Text stands as text, other
    bytes as {"base64": "…"}, null as null.
    """
    first: datetime | int | None = int(start) if start is not None and start.isdecimal() else None
    if start is not None and first is None:
        first = moment(start)
    last = None if end is None else moment(end)
    settings = read_settings(database=False)
    name = settings.topics_name(topic)
    with _target(out) as target:
        chosen = records_of(settings.kafka, name, start=first, end=last, key=key, type=kind)
        count = run(_write(settings, name, chosen, target))
    if json and out is not None:
        emit({"topic": name, "records": count, "out": str(out)})
    else:
        say(f"{count} records of {name}")


async def _write(settings: Settings, topic: str, chosen: AsyncIterable[RawRecord], target: IO[str]) -> int:
    count = 0
    marks = await high_water_marks(settings.kafka, topic)
    with progress("records") as bar:
        task = bar.add_task("replaying", total=sum(marks.values()))
        async for record in chosen:
            target.write(json_text.dumps(as_json(record), ensure_ascii=False) + "\n")
            count += 1
            bar.advance(task)
    return count


@contextmanager
def _target(out: Path | None) -> Iterator[IO[str]]:
    if out is None:
        yield sys.stdout
        return
    # Under another name until it is whole: an interrupted replay must not look like a finished one.
    partial = out.with_name(out.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as target:
            yield target
        os.replace(partial, out)  # noqa: PTH105 - in one step, over an old file too
    except OSError as bad:
        raise Failed(f"{out} cannot be written: {bad.strerror}") from bad
    finally:
        partial.unlink(missing_ok=True)
