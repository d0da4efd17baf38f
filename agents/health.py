"""Watching integrations: periodic checks and breaker changes, as events."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from providers.caller import Caller
from providers.connector import Integration
from providers.exchange import BreakerChange
from schemas.envelope import Envelope
from schemas.errors import StoreError
from schemas.ids import new_id
from schemas.integrations import BreakerChanged, HealthChecked
from streams.codec import Outgoing, encode
from streams.publisher import Publisher
from streams.topics import Topics

log = logging.getLogger(__name__)

SOURCE: Final = "/kolaj/hub/integrations"
_KEPT_CHANGES: Final = 1_000


class Watch:
    """Publishes what becomes of the integrations of one process.

    Args:
        process: names this process; breakers are per process.
        interval_s: between two checks of one integration, in seconds.
    """

    def __init__(
        self, publisher: Publisher, topics: Topics, *, process: str, interval_s: float, now: Callable[[], datetime]
    ) -> None:
        self._publisher = publisher
        self._topic = topics.integration_events.name
        self._process = process
        self._interval_s = interval_s
        self._now = now
        self._changes: asyncio.Queue[BreakerChange] = asyncio.Queue(_KEPT_CHANGES)

    def on_breaker(self, change: BreakerChange) -> None:
        """The caller's hook; it returns at once. Past a thousand unpublished changes the newest are only logged."""
        extra = {"integration_id": change.integration_id, "state": change.state, "before": change.before}
        log.warning("breaker changed", extra=extra)
        if not self._changes.full():
            self._changes.put_nowait(change)

    async def run(self, caller: Caller, integrations: Mapping[str, Integration]) -> None:
        """Check and report until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._report_changes())
            tasks.create_task(self._check_for_ever(caller, integrations))

    async def _check_for_ever(self, caller: Caller, integrations: Mapping[str, Integration]) -> None:
        while True:
            for integration in list(integrations.values()):
                await self._publish(await self._check(caller, integration))
            await asyncio.sleep(self._interval_s)

    async def _check(self, caller: Caller, integration: Integration) -> Outgoing:
        health = await caller.probe(integration)
        body = HealthChecked(
            integration_id=integration.id,
            provider=integration.connector.name,
            status=health.status,
            response_time_ms=health.response_time_ms,
            error=health.sentence,
            checked_at=self._now(),
        )
        return encode(self._topic, integration.id, _envelope(body.type, integration.id, body.checked_at), body)

    async def _report_changes(self) -> None:
        while True:
            change = await self._changes.get()
            body = BreakerChanged(
                integration_id=change.integration_id,
                provider=change.provider,
                operation_class=change.operation_class,
                process=self._process,
                before=change.before,
                state=change.state,
                changed_at=change.changed_at,
            )
            envelope = _envelope(body.type, change.integration_id, change.changed_at)
            await self._publish(encode(self._topic, change.integration_id, envelope, body))

    async def _publish(self, record: Outgoing) -> None:
        try:
            await self._publisher.publish([record])
        except StoreError as failed:
            log.warning("a health event was not published", extra={"why": str(failed)})


def _envelope(kind: str, subject: str, at: datetime) -> Envelope:
    return Envelope(id=new_id(), type=kind, source=SOURCE, subject=subject, time=at)
