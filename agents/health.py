"""Watching integrations: periodic checks, breaker changes and the use of rate limits, as events."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from providers.caller import Caller
from providers.connector import Integration
from providers.exchange import BreakerChange, LimitReport
from schemas.envelope import Envelope
from schemas.errors import StoreError
from schemas.ids import new_id
from schemas.integrations import BreakerChanged, HealthChecked, RateLimitReported
from streams.codec import Outgoing, encode
from streams.publisher import Publisher
from streams.topics import Topics

log = logging.getLogger(__name__)

SOURCE: Final = "/kolaj/hub/integrations"
_KEPT_CHANGES: Final = 1_000
_LIMITS_EVERY_S: Final = 10.0
"""Reports are kept for ever: what lies between two of them is in the metrics."""


class Watch:
    """Publishes what becomes of the integrations of one process.

    Args:
        process: names this process; breakers are per process.
        interval_s: between two checks of one integration, in seconds.
        limits_every_s: between two looks at the rate limits; only those that changed are told.
    """

    def __init__(
        self,
        publisher: Publisher,
        topics: Topics,
        *,
        process: str,
        interval_s: float,
        now: Callable[[], datetime],
        limits_every_s: float = _LIMITS_EVERY_S,
    ) -> None:
        self._publisher = publisher
        self._topic = topics.integration_events.name
        self._process = process
        self._interval_s = interval_s
        self._now = now
        self._limits_every_s = limits_every_s
        self._changes: asyncio.Queue[BreakerChange] = asyncio.Queue(_KEPT_CHANGES)
        self._changed: asyncio.Queue[str] = asyncio.Queue(_KEPT_CHANGES)

    def on_breaker(self, change: BreakerChange) -> None:
        """The caller's hook; it returns at once. Past a thousand unpublished changes the newest are only logged."""
        extra = {"integration_id": change.integration_id, "state": change.state, "before": change.before}
        log.warning("breaker changed", extra=extra)
        if not self._changes.full():
            self._changes.put_nowait(change)

    async def run(self, caller: Caller, integrations: Mapping[str, Integration]) -> None:
        """Check and report until cancelled; one that `look_at` names is checked at once."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._report_changes())
            tasks.create_task(self._check_for_ever(caller, integrations))
            tasks.create_task(self._report_limits(caller))
            tasks.create_task(self._check_changed(caller, integrations))

    def look_at(self, integration_id: str) -> None:
        """It is new, or was changed: check it without waiting for its turn."""
        if not self._changed.full():
            self._changed.put_nowait(integration_id)

    async def _check_changed(self, caller: Caller, integrations: Mapping[str, Integration]) -> None:
        while True:
            integration = integrations.get(await self._changed.get())
            if integration is not None:
                await self._publish(await self._check(caller, integration))

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

    async def _report_limits(self, caller: Caller) -> None:
        told: dict[tuple[str, str], tuple[object, ...]] = {}
        while True:
            for report in caller.limits():
                place, facts = (report.integration_id, report.operation), _facts(report)
                if told.get(place) != facts and await self._publish(self._limit(report)):
                    told[place] = facts
            await asyncio.sleep(self._limits_every_s)

    def _limit(self, report: LimitReport) -> Outgoing:
        now = self._now()
        body = RateLimitReported(
            integration_id=report.integration_id,
            provider=report.provider,
            operation=report.operation,
            process=self._process,
            limit_calls=report.calls,
            window_ms=None if report.per_s is None else max(1, round(report.per_s * 1000)),
            allowed=report.allowed,
            used=report.used,
            throttled=report.throttled,
            turned_away=report.turned_away,
            shared=report.shared,
            closed_until=now + timedelta(seconds=report.closed_s) if report.closed_s > 0 else None,
            resets_at=now + timedelta(seconds=report.resets_in_s) if report.resets_in_s > 0 else None,
            reported_at=now,
        )
        return encode(self._topic, report.integration_id, _envelope(body.type, report.integration_id, now), body)

    async def _publish(self, record: Outgoing) -> bool:
        """Whether it was taken; what was not is told in the log."""
        try:
            await self._publisher.publish([record])
        except StoreError as failed:
            log.warning("a health event was not published", extra={"why": str(failed)})
            return False
        return True


def _envelope(kind: str, subject: str, at: datetime) -> Envelope:
    return Envelope(id=new_id(), type=kind, source=SOURCE, subject=subject, time=at)


def _facts(report: LimitReport) -> tuple[object, ...]:
    """What makes a report worth telling. The end of the window moves with each call, and is told with the rest."""
    return (
        report.calls,
        report.per_s,
        report.allowed,
        report.used,
        report.throttled,
        report.turned_away,
        report.shared,
        report.closed_s > 0,
    )
