"""Takes orders about integrations off their topic: decided and stored, then published, then acknowledged."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from agents.delivery import Delivery
from agents.health import SOURCE
from agents.integrations.registry import Decided, Order, Registry
from agents.pool import FAILURES
from agents.rejections import CONFLICT, HUB_FAILED, Rejections
from agents.stops import Stops
from agents.tracing import process_span
from schemas.envelope import REPUBLISHED, Envelope
from schemas.errors import StoreError, UnreadableRecord
from schemas.ids import rejection_id
from schemas.integrations import (
    INTEGRATION_COMMANDS,
    IntegrationCommand,
    IntegrationCommandRejected,
    IntegrationDisabled,
    IntegrationPaused,
)
from streams.codec import Outgoing, decode, digest, encode
from streams.publisher import Publisher
from streams.records import RawRecord, header
from streams.topics import Topics
from streams.tracing import current_traceparent

log = logging.getLogger(__name__)

MODELS: Final[Mapping[str, type[IntegrationCommand]]] = {model.type: model for model in INTEGRATION_COMMANDS}
_SILENCING: Final = frozenset({IntegrationPaused.type.encode(), IntegrationDisabled.type.encode()})
"""Results that say that nothing is sent any more."""


class Registrar:
    """Handles the records of the integration command topic.

    Args:
        now: the clock, UTC.
    """

    def __init__(
        self, registry: Registry, stops: Stops, publisher: Publisher, topics: Topics, *, now: Callable[[], datetime]
    ) -> None:
        self._registry = registry
        self._stops = stops
        self._publisher = publisher
        self._topics = topics
        self._rejections = Rejections(publisher, topics, self._rejected, now)
        self._now = now

    async def handle(self, delivery: Delivery) -> float | None:
        """Take a record to its end.

        Returns:
            `None` when it is acknowledged, else after how many seconds to hand it in again.
        """
        record = delivery.record
        try:
            with process_span("integrations.command", record.readable_headers):
                await self._settle(record)
        except StoreError as failed:
            delivery.failures += 1
            log.warning("store failed, command kept", extra={"why": str(failed), "failures": delivery.failures})
            return float(min(0.2 * 2**delivery.failures, 10.0))
        delivery.done()
        return None

    async def _settle(self, record: RawRecord) -> None:
        try:
            incoming = decode(MODELS, record.key, record.value, record.readable_headers)
            order = Order(incoming.envelope, incoming.body, digest(incoming.envelope, incoming.key, incoming.body))
            decided = await self._registry.settle(order, at=self._now(), traceparent=current_traceparent())
        except UnreadableRecord as bad:
            await self._rejections.reject(record, bad)
            return
        except StoreError:
            raise
        except Exception:
            # A mistake of ours. Raised, it would stop one worker after the other at this record.
            log.exception("an order could not be decided for a mistake of the hub's")
            await self._rejections.reject(record, HUB_FAILED)
            return
        if isinstance(decided, str):
            await self._rejections.reject(record, CONFLICT)
            return
        await self._publish(decided)

    async def _publish(self, decided: Decided) -> None:
        """What the result promises comes first: of a paused integration, that what was under way has ended."""
        kind = header(decided.headers, "ce_type")
        if kind in _SILENCING:
            try:
                await self._stops.settled(decided.key)
            except FAILURES as failed:
                raise StoreError(f"calls under way could not be waited for: {type(failed).__name__}") from failed
        record = Outgoing(self._topics.integration_events.name, decided.key.encode(), decided.value, decided.headers)
        await self._publisher.publish([record.with_header(REPUBLISHED, b"1") if decided.again else record])
        facts = {"command_id": str(decided.command_id), "result": (kind or b"").decode(), "again": decided.again}
        log.info("an order about integrations is settled", extra=facts)

    def _rejected(self, record: RawRecord, command_id: UUID, bad: UnreadableRecord, at: datetime) -> Outgoing:
        body = IntegrationCommandRejected(
            command_id=command_id,
            reason=bad.reason,
            field=bad.field,
            detail=bad.detail,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            observed_at=at,
        )
        key = (record.key or b"").decode("utf-8", "replace") if bad.reason != "card_number" else ""
        envelope = Envelope(
            id=rejection_id(record.topic, record.partition, record.offset),
            type=body.type,
            source=SOURCE,
            subject=key[:200] or None,
            time=at,
        )
        return encode(self._topics.integration_events.name, key, envelope, body)
