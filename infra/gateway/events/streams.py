"""Streams of events to callers: a reader of the topic for each, as many as there are places."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from fastapi.sse import ServerSentEvent

from infra.gateway.access.caller import Caller
from infra.gateway.event_json import as_event, body_of, integration_of
from infra.gateway.events.position import position_word
from infra.gateway.places import Places
from infra.gateway.problems import Problem, unavailable
from schemas.errors import StoreError
from streams.kafka import KafkaAccess
from streams.records import RawRecord
from streams.tail import PositionGone, Start, Tail

log = logging.getLogger(__name__)

RETRY_MS: Final = 2_000
"""After which a client comes back when its stream has ended."""
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a caller asked for and may see. Empty `types` are all, no `key` is every payment."""

    caller: Caller
    types: Collection[str] = ()
    key: str | None = None

    def takes(self, record: RawRecord) -> bool:
        if self.types and record.text("ce_type") not in self.types:
            return False
        if self.key is not None and record.key != self.key.encode():
            return False
        if self.caller.integrations is None:
            return True
        return self.caller.may_use(integration_of(body_of(record) or {}))


@dataclass(frozen=True)
class EventStreams:
    """One for the process.

    Attributes:
        lives_s: after which a stream ends, so that the caller has to prove again who it is. It comes back by itself.
        proved_s: after which it is looked again whether the caller's key or token is still good.
        place_s: a caller whom nothing concerned for so long is told where it stands, so that it need not come by there
            again.
    """

    access: KafkaAccess
    topic: str
    stopping: asyncio.Event
    lives_s: float = 900.0
    proved_s: float = 5.0
    place_s: float = 10.0
    places: Places = field(default_factory=lambda: Places(total=50, each=5))

    @asynccontextmanager
    async def opened(
        self, wanted: Wanted, start: Start, still: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator["EventStream"]:
        """A stream that has begun: from here on nothing is left out. It ends once the caller is not `still` let in.

        Raises:
            Problem: 422, when the topic has no such position; 429 or 503, when there is no place.
            StoreError: Kafka does not answer.
        """
        if self.stopping.is_set():
            raise unavailable()
        with self.places.taken_by(wanted.caller.id):
            try:
                async with Tail(self.access, self.topic, start) as tail:
                    yield EventStream(self, tail, wanted, still)
            except PositionGone as gone:
                detail = "the events do not reach to that position; begin anew, without Last-Event-ID"
                errors = [("Last-Event-ID", detail)]
                status = HTTPStatus.UNPROCESSABLE_ENTITY
                raise Problem(status, "unknown_position", detail, errors=errors) from gone


@dataclass(frozen=True)
class EventStream:
    streams: EventStreams
    tail: Tail
    wanted: Wanted
    still: Callable[[], Awaitable[bool]]

    async def told(self) -> AsyncIterator[ServerSentEvent]:
        """The events until the stream's time is over, the process stops, or Kafka fails; the client then comes back.

        They end as well when its key was revoked, and then it comes back in vain.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self.streams.lives_s
        positions = self.tail.positions
        yield self._place(positions, retry=RETRY_MS)
        told_at, passed_by, proved_at = loop.time(), False, loop.time()
        while loop.time() < until and not self.streams.stopping.is_set():
            try:
                records = await self.tail.batch(most=_BATCH)
            except StoreError as failed:
                log.warning("a stream of events ends", extra={"why": str(failed)})
                return
            if loop.time() - proved_at > self.streams.proved_s:
                if not await self.still():
                    return
                proved_at = loop.time()
            for record in records:
                positions[record.partition] = record.offset + 1
                passed_by = True
                event = as_event(record) if self.wanted.takes(record) else None
                if event is not None:
                    # Kept waiting here by a slow client, we ask Kafka for nothing more.
                    yield ServerSentEvent(raw_data=event, id=position_word(self.streams.topic, positions))
                    told_at, passed_by = loop.time(), False
            if passed_by and loop.time() - told_at > self.streams.place_s:
                yield self._place(positions)
                told_at, passed_by = loop.time(), False

    def _place(self, positions: dict[int, int], *, retry: int | None = None) -> ServerSentEvent:
        """An id without an event: clients remember it and tell nobody."""
        return ServerSentEvent(id=position_word(self.streams.topic, positions), retry=retry)
