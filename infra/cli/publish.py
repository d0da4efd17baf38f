"""`kolaj publish`."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Annotated, Any, Final

import typer

from infra.cli.command_lines import BadLine, read_lines
from infra.cli.failing import Failed
from infra.cli.output import Json, emit, progress, run, say
from infra.settings import Settings, read_settings
from streams.admin import missing_topics
from streams.codec import Outgoing
from streams.kafka import missing_topic
from streams.publisher import Publisher

app = typer.Typer()

_IN_ONE_GO: Final = 500
_SHOWN: Final = 20


@app.command()
def publish(
    file: Annotated[Path, typer.Argument(help="A file of CloudEvents as JSON, one a line; - for standard input.")],
    *,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Publish the good lines and leave the others out.")
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help='Allow {"raw": …} lines, which are sent unchecked.')] = False,
    check: Annotated[bool, typer.Option("--check", help="Check the lines and publish nothing.")] = False,
    json: Annotated[bool, Json] = False,
) -> None:
    """Publish commands. Every line is checked before the first is sent; one bad line, and nothing is sent."""
    settings = read_settings(kafka=not check, database=False)
    topic = settings.topics.payment_commands.name
    began = time.monotonic()
    with _lines(file) as source:
        good, bad = _check(source, topic, raw=raw)
        _complain(bad)
        refused = bool(bad) and not skip_bad
        if good and not check and not refused:
            source.seek(0)
            run(_publish(settings, source, topic, good, raw=raw))
    published = 0 if check or refused else good
    summary: dict[str, Any] = {"topic": topic, "lines": good + len(bad), "good": good, "published": published}
    if json:
        emit({**summary, "bad": [asdict(line) for line in bad], "seconds": round(time.monotonic() - began, 3)})
    else:
        say(f"{published} of {good + len(bad)} records published to {topic}")
    if refused:
        raise Failed(f"{len(bad)} bad lines: nothing was published; mend them, or leave them out with --skip-bad")


@contextmanager
def _lines(file: Path) -> Iterator[IO[bytes]]:
    if str(file) == "-":
        # Read twice: once to check, once to send.
        with tempfile.TemporaryFile() as copy:
            for line in typer.get_binary_stream("stdin"):
                copy.write(line)
            copy.seek(0)
            yield copy
        return
    try:
        with file.open("rb") as source:
            yield source
    except OSError as bad:
        raise Failed(
            f"{file} cannot be read: {bad.strerror}; name a file of JSON lines, or - for standard input"
        ) from bad


def _check(source: IO[bytes], topic: str, *, raw: bool) -> tuple[int, list[BadLine]]:
    good, bad = 0, []
    for line in read_lines(source, topic, raw=raw):
        if isinstance(line, BadLine):
            bad.append(line)
        else:
            good += 1
    return good, bad


def _complain(bad: list[BadLine]) -> None:
    for line in bad[:_SHOWN]:
        say(str(line))
    if len(bad) > _SHOWN:
        say(f"and {len(bad) - _SHOWN} more bad lines")


async def _publish(settings: Settings, source: IO[bytes], topic: str, total: int, *, raw: bool) -> None:
    if await missing_topics(settings.kafka, [settings.topics.payment_commands]):
        raise missing_topic(topic)
    with progress("records") as bar:
        task = bar.add_task("publishing", total=total)
        async with Publisher(settings.kafka, client_id="kolaj-publish") as publisher:
            batch: list[Outgoing] = []
            for record in read_lines(source, topic, raw=raw):
                if isinstance(record, BadLine):
                    continue
                batch.append(record)
                if len(batch) == _IN_ONE_GO:
                    await publisher.publish(batch)
                    bar.advance(task, len(batch))
                    batch = []
            await publisher.publish(batch)
            bar.advance(task, len(batch))
