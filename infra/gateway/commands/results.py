"""Results as they come: one reader of the events' topic for all who wait in this process."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from infra.gateway.commands.rows import CommandRows
from projections.stretch import bounds
from schemas.errors import StoreError
from streams.kafka import KafkaAccess
from streams.records import RawRecord
from streams.tail import PositionGone, Tail

log = logging.getLogger(__name__)

_REMEMBERED_BYTES: Final = 32 * 1024 * 1024
_BEHIND: Final = 5_000
"""Records of a partition that are read from before the start, where the projections have not come to them yet."""
_AGAIN_S: Final = 1.0


class Results:
    """Follows the topic from where the projections stand, so that an event is either there or passes here.

    Events are known by their ids, which follow from a command's: nothing of their bodies is read.
    """

    def __init__(self, access: KafkaAccess, topic: str, rows: CommandRows) -> None:
        self._access = access
        self._topic = topic
        self._rows = rows
        self._recent: OrderedDict[str, RawRecord] = OrderedDict()
        self._bytes = 0
        self._waiting: dict[str, set[asyncio.Event]] = {}

    async def run(self) -> None:
        """Follow until cancelled; while Kafka is away, try again."""
        positions: Mapping[int, int] | None = None
        while True:
            try:
                positions = positions or await self._begin()
                async with Tail(self._access, self._topic, positions) as tail:
                    # What came before the first record that is read here was not heard by who waits already.
                    self.look_again()
                    while True:
                        for record in await tail.batch():
                            self._keep(record)
                        positions = tail.positions
            except PositionGone:
                positions = None
            except StoreError as failed:
                log.warning("results are not followed", extra={"why": str(failed)})
            await asyncio.sleep(_AGAIN_S)

    def first(self, event_ids: Iterable[UUID]) -> RawRecord | None:
        """The first of these events that is remembered."""
        for event_id in event_ids:
            found = self._recent.get(str(event_id))
            if found is not None:
                return found
        return None

    @contextmanager
    def waiting_for(self, event_ids: Iterable[UUID]) -> Iterator[asyncio.Event]:
        """An event that is set whenever one of these comes, or when it is time to look elsewhere again."""
        heard = asyncio.Event()
        names = [str(event_id) for event_id in event_ids]
        for name in names:
            self._waiting.setdefault(name, set()).add(heard)
        try:
            yield heard
        finally:
            for name in names:
                self._waiting[name].discard(heard)
                if not self._waiting[name]:
                    del self._waiting[name]

    def look_again(self) -> None:
        """Wake everybody who waits."""
        for waiting in self._waiting.values():
            for heard in waiting:
                heard.set()

    async def _begin(self) -> dict[int, int]:
        there = await bounds(self._access, [self._topic])
        seen = await self._rows.projected(self._topic)
        return {
            partition: min(max(low, seen.get(partition, 0), high - _BEHIND), high)
            for (_, partition), (low, high) in there.items()
        }

    def _keep(self, record: RawRecord) -> None:
        name = record.text("ce_id")
        if name is None or name in self._recent:
            return  # a copy tells nothing new
        self._recent[name] = record
        self._bytes += _size(record)
        while self._bytes > _REMEMBERED_BYTES:
            _, oldest = self._recent.popitem(last=False)
            self._bytes -= _size(oldest)
        for heard in self._waiting.get(name, ()):
            heard.set()


def _size(record: RawRecord) -> int:
    """Roughly what it takes in memory."""
    return len(record.value or b"") + 1_000
