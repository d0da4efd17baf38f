"""Heads of the chains, written to a topic of their own: who rewrites the table cannot rewrite them too."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias
from uuid import UUID, uuid5

from projections.audit.write import heads
from projections.entry import Place
from projections.projection import Connection
from schemas.audit import AuditAnchored
from schemas.envelope import Envelope
from schemas.errors import HubError
from streams.codec import Outgoing, encode
from streams.topics import Topics

Publish: TypeAlias = Callable[[Sequence[Outgoing]], Awaitable[object]]

log = logging.getLogger(__name__)

_ANCHORS: Final = UUID("0f0d9f53-7e0c-5d0a-8c5e-1b7f4c1d2a60")
SOURCE: Final = "kolaj/projector"


class Anchors:
    """Decides when a head is due, and publishes it.

    Args:
        publish: appends the records; a failure is logged and tried again with the next batch.
        every: records of one partition after which its head is due.
        each_s: seconds after which the head of a partition that has moved is due anyway.
    """

    def __init__(
        self,
        publish: Publish,
        topics: Topics,
        *,
        every: int = 10_000,
        each_s: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._publish = publish
        self._topic = topics.audit_anchors.name
        self._every = every
        self._each_s = each_s
        self._monotonic = monotonic
        self._now = now
        self._waiting: dict[Place, tuple[int, float]] = {}

    def wrote(self, counts: Mapping[Place, int]) -> None:
        """So many rows were added and committed."""
        for place, count in counts.items():
            waiting, since = self._waiting.get(place, (0, self._monotonic()))
            self._waiting[place] = (waiting + count, since)

    def due(self) -> list[Place]:
        now = self._monotonic()
        return [
            place
            for place, (count, since) in self._waiting.items()
            if count >= self._every or now - since >= self._each_s
        ]

    async def anchor(self, connection: Connection, places: Sequence[Place] | None = None) -> int:
        """Publish the present heads of `places`, or of all that have moved; returns how many were published."""
        wanted = list(self._waiting) if places is None else list(places)
        if not wanted:
            return 0
        found = await heads(connection, wanted)
        records = [self._record(place, offset, digest) for place, (offset, digest) in sorted(found.items())]
        try:
            await self._publish(records)
        except HubError as failed:
            log.warning("audit heads were not anchored", extra={"error": str(failed), "partitions": len(wanted)})
            return 0
        for place in wanted:
            self._waiting.pop(place, None)
        return len(records)

    def _record(self, place: Place, offset: int, head: bytes) -> Outgoing:
        topic, partition = place
        body = AuditAnchored(topic=topic, partition=partition, offset=offset, head=head.hex(), anchored_at=self._now())
        # The same head at the same offset is the same fact, whoever anchors it.
        identifier = uuid5(_ANCHORS, f"{topic}/{partition}/{offset}/{body.head}")
        envelope = Envelope(id=identifier, type=body.type, source=SOURCE, time=body.anchored_at)
        return encode(self._topic, f"{topic}/{partition}", envelope, body)
