"""The publisher's own process: sends the list at a steady pace, and remembers how far it came through any kill."""

import asyncio
import os
import time
from pathlib import Path
from typing import Final

from infra.chaos.load import load, moment
from infra.settings import Settings
from schemas.errors import StoreError
from streams.codec import Outgoing
from streams.publisher import Publisher

_TICK_S: Final = 0.1
_AT_ONCE: Final = 100


async def publish_list(
    settings: Settings,
    *,
    seed: int,
    commands: int,
    began_ms: int,
    rate: float,
    cursor: Path | None = None,
    first: int = 0,
    upto: int | None = None,
) -> None:
    """Publish the list, its records from `first` to before `upto`.

    Args:
        rate: records a second; 0 for as fast as it goes.
        cursor: a file with the number of the first record that was not acknowledged; where it is there, it says where
            to begin.
    """
    made = load(seed, commands, settings.topics.payment_commands.name, moment(began_ms))
    records = made.records[:upto]
    first = place = read_cursor(cursor) or first
    began = time.monotonic()
    while place < len(records):
        try:
            async with Publisher(settings.kafka, client_id="kolaj-chaos", deadline_s=10) as publisher:
                while place < len(records):
                    due = place + _AT_ONCE if not rate else first + int((time.monotonic() - began) * rate) + 1
                    some = records[place : min(due, place + _AT_ONCE)]
                    place = await _send(publisher, some, place, cursor)
                    if rate:
                        await asyncio.sleep(_TICK_S)
        except StoreError:
            # What was not acknowledged may lie in the log all the same: the same records go again, in their order.
            await asyncio.sleep(_TICK_S)


async def _send(publisher: Publisher, some: tuple[Outgoing, ...], place: int, cursor: Path | None) -> int:
    if some:
        await publisher.publish(some)
        place += len(some)
        if cursor is not None:
            _write(cursor, place)
    return place


def read_cursor(cursor: Path | None) -> int:
    """The number of the first record that was not acknowledged."""
    if cursor is None or not cursor.exists():
        return 0
    return int(cursor.read_text(encoding="ascii"))


def _write(cursor: Path, place: int) -> None:
    beside = cursor.with_suffix(f".{os.getpid()}")
    beside.write_text(str(place), encoding="ascii")
    beside.replace(cursor)
