"""Calls that were not taken, counted in memory and told every few seconds: a flood must not flood the log."""

import asyncio
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.card_numbers import holds_card_number
from schemas.envelope import Envelope
from schemas.errors import HubError
from schemas.ids import new_id
from schemas.webhooks import RefusedWhy, WebhooksRefused
from streams.codec import Outgoing, encode
from streams.publisher import Publisher

log = logging.getLogger(__name__)

SOURCE: Final = "/kolaj/hub/gateway"
OTHER: Final = "other"
"""Stands for integrations that there are not, past the first few names that strangers came up with."""
EVERY_S: Final = 5.0
STRANGE_NAMES: Final = 10
_LAST_WITHIN_S: Final = 5.0
"""For the last word of a process that ends."""
_NAME: Final = re.compile(r"[!-~]{1,100}")


@dataclass(slots=True)
class Count:
    times: int
    first_at: datetime
    last_at: datetime
    last_digest: str | None


class Refusals:
    """Counts by integration and reason.

    Args:
        process: who counts.
    """

    def __init__(self, publisher: Publisher, topic: str, *, process: str, now: Callable[[], datetime]) -> None:
        self._publisher = publisher
        self._topic = topic
        self._process = process
        self._now = now
        self._counts: dict[tuple[str, RefusedWhy], Count] = {}
        self._strange: set[str] = set()

    def add(self, named: str, why: RefusedWhy, *, known: bool, digest: str | None = None) -> None:
        """One more. `known` tells whether there is an integration of this name."""
        at = self._now()
        name = named if known else self._name_of_stranger(named)
        count = self._counts.get((name, why))
        if count is None:
            self._counts[name, why] = Count(1, at, at, digest)
        else:
            count.times += 1
            count.last_at = at
            count.last_digest = digest or count.last_digest

    async def run(self) -> None:
        """Tell until cancelled. What Kafka does not take is kept and told later, which takes no more room."""
        failing = False
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.tell()
                failing = False
            except HubError as failed:
                if not failing:
                    log.warning("refused calls could not be told, they are counted on", extra={"why": str(failed)})
                failing = True

    async def tell(self) -> None:
        """Publish what was counted since the last time.

        Raises:
            StoreError: Kafka did not take it. The counts stay, and may be told twice.
        """
        counts, self._counts = self._counts, {}
        if not counts:
            return
        try:
            await self._publisher.publish([self._record(*key, count) for key, count in counts.items()])
        except BaseException:
            self._keep(counts)
            raise
        self._strange = {name for name, _ in self._counts if name in self._strange}

    async def tell_last(self) -> None:
        """Tell what is left, if Kafka takes it soon."""
        with suppress(HubError, TimeoutError):
            async with asyncio.timeout(_LAST_WITHIN_S):
                await self.tell()

    def _keep(self, counts: dict[tuple[str, RefusedWhy], Count]) -> None:
        later, self._counts = self._counts, counts
        for key, count in later.items():
            before = counts.get(key)
            if before is None:
                counts[key] = count
            else:
                digest = count.last_digest or before.last_digest
                counts[key] = Count(before.times + count.times, before.first_at, count.last_at, digest)

    def _name_of_stranger(self, named: str) -> str:
        name = named[:100]
        if name in self._strange:
            return name
        if len(self._strange) >= STRANGE_NAMES or not _NAME.fullmatch(name) or holds_card_number(name):
            return OTHER
        self._strange.add(name)
        return name

    def _record(self, name: str, why: RefusedWhy, count: Count) -> Outgoing:
        body = WebhooksRefused(
            integration_id=name,
            why=why,
            times=count.times,
            first_at=count.first_at,
            last_at=count.last_at,
            process=self._process,
            last_digest=count.last_digest,
        )
        envelope = Envelope(id=new_id(), type=body.type, source=SOURCE, subject=name, time=count.last_at)
        return encode(self._topic, name, envelope, body)
