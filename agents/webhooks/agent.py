"""The webhooks agent: takes stored calls of providers to their payments' lanes, or keeps them until there is one.

A call decides nothing: it becomes an internal command on its payment's own lane, where the provider is asked. What has
no payment yet waits on the retry topics and is looked up again; in the end it lies in the dead letters.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from agents.delivery import Delivery
from agents.metrics import WEBHOOKS
from agents.rejections import HUB_FAILED
from agents.tracing import process_span
from agents.webhooks.finding import Finder, Subject
from agents.webhooks.notices import SOURCE, notice_id, notice_of
from schemas.envelope import Envelope
from schemas.errors import StoreError, UnreadableRecord
from schemas.ids import fact_id
from schemas.webhooks import WebhookHandled, WebhookReceived
from streams.codec import Outgoing, encode
from streams.dead_letters import dead_letter
from streams.publisher import Publisher
from streams.records import RawRecord
from streams.topics import Topics
from streams.tracing import current_traceparent
from streams.waiting import as_it_was, waiting, waits_for

log = logging.getLogger(__name__)

READER: Final = "webhooks"
"""For whom its records wait on the retry topics."""


class WebhooksAgent:
    """Handles the records of the topic of webhooks, and those of them that waited.

    Args:
        patience: how long after its arrival a call may wait for its payment.
        now: the clock, UTC.
    """

    def __init__(
        self,
        finder: Finder,
        publisher: Publisher,
        topics: Topics,
        *,
        patience: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._finder = finder
        self._publisher = publisher
        self._topics = topics
        self._patience = patience
        self._now = now

    async def handle(self, delivery: Delivery) -> float | None:
        """Take a record of the topic to its end, or let it wait.

        Returns:
            `None` when it is acknowledged, else after how many seconds to hand it in again.
        """
        return await self._kept(delivery, delivery.record)

    async def wake(self, delivery: Delivery) -> float | None:
        """Take a record that waited further; those that wait for others are passed over. As `handle`."""
        if waits_for(delivery.record) != READER:
            delivery.done()
            return None
        try:
            record = as_it_was(delivery.record)
        except UnreadableRecord as bad:
            record = delivery.record
            log.warning("a record that waited cannot be read", extra={"field": bad.field})
        return await self._kept(delivery, record)

    async def _kept(self, delivery: Delivery, record: RawRecord) -> float | None:
        try:
            with process_span("webhooks.event", record.readable_headers):
                await self._settle(record)
        except StoreError as failed:
            delivery.failures += 1
            log.warning("store failed, webhook kept", extra={"why": str(failed), "failures": delivery.failures})
            return float(min(0.2 * 2**delivery.failures, 10.0))
        delivery.done()
        return None

    async def _settle(self, record: RawRecord) -> None:
        if record.text("ce_type") not in {None, WebhookReceived.type}:
            return  # what was refused, and what became of others
        try:
            received_id, call = _read(record)
            await self._take(record, received_id, call)
        except StoreError:
            raise
        except UnreadableRecord as bad:
            await self._bury(record, bad)
        except Exception:
            # A mistake of ours. Raised, it would stop one worker after the other at this record.
            log.exception("a webhook could not be handled for a mistake of the hub's")
            await self._bury(record, HUB_FAILED)

    async def _take(self, record: RawRecord, received_id: UUID, call: WebhookReceived) -> None:
        references = (call.our_reference, call.provider_reference)
        named = any(reference is not None for reference in references)
        subject = await self._finder.subject(call) if named else None
        if subject is not None:
            await self._hand_on(received_id, call, subject)
        elif call.dispute_reference is None and (not named or (call.said is None and call.about == "payment")):
            await self._tell(received_id, call, outcome="about_nothing")
        else:
            await self._let_wait(record, received_id, call)

    async def _hand_on(self, received_id: UUID, call: WebhookReceived, subject: Subject) -> None:
        """To the payment's lane, then it is told, and only then acknowledged."""
        notice = notice_of(call, subject)
        command_id = notice_id(call, subject, notice)
        state = await self._finder.known(command_id)
        if state != "concluded":
            envelope = Envelope(
                id=command_id,
                type=notice.type,
                source=SOURCE,
                subject=notice.key,
                time=self._now(),
                traceparent=current_traceparent(),
            )
            command = encode(self._topics.payment_commands.name, notice.key, envelope, notice)
            await self._publisher.publish([command])
        outcome = "processed" if state is None else "repeated"
        told = {"resource_id" if call.about == "resource" else "payment_id": subject.id}
        await self._tell(received_id, call, outcome=outcome, command_id=command_id, **told)

    async def _let_wait(self, record: RawRecord, received_id: UUID, call: WebhookReceived) -> None:
        """It may have come before what it is about; one that is about nothing of ours is kept for people in the end."""
        age = self._now() - call.verified.arrived_at
        if age < self._patience:
            _, topic = self._topics.retry_after(age.total_seconds() / 2)
            await self._publisher.publish([waiting(topic, record, READER)])
            return
        detail = f"no {call.about} of {call.integration_id} goes by its references; requeue it once there is one"
        why = UnreadableRecord("webhook_unresolved", "our_reference", detail)
        letter = dead_letter(self._topics.dead_letters, record, why, integration_id=call.integration_id)
        await self._publisher.publish([letter])
        await self._tell(received_id, call, outcome="unresolved", detail=detail)

    async def _tell(self, received_id: UUID, call: WebhookReceived, **told: Any) -> None:
        at = self._now()
        body = WebhookHandled(
            integration_id=call.integration_id,
            event_id=call.event_id,
            received_id=received_id,
            handled_at=at,
            **told,
        )
        key = f"{call.integration_id}/{call.event_id}"
        await self._publisher.publish([self._handled(body, key, at)])
        WEBHOOKS.add(1, {"integration": call.integration_id, "outcome": body.outcome})
        facts = {"integration_id": call.integration_id, "event_type": call.event_type, "outcome": body.outcome}
        log.info("webhook handled", extra={**facts, "command_id": str(body.command_id)})

    def _handled(self, body: WebhookHandled, key: str, at: datetime) -> Outgoing:
        envelope = Envelope(
            id=fact_id(body.received_id, f"handled:{body.outcome}"),
            type=body.type,
            source=SOURCE,
            time=at,
            traceparent=current_traceparent(),
        )
        return encode(self._topics.webhook_events.name, key, envelope, body)

    async def _bury(self, record: RawRecord, why: UnreadableRecord) -> None:
        await self._publisher.publish([dead_letter(self._topics.dead_letters, record, why)])
        log.warning("webhook rejected", extra={"reason": why.reason, "field": why.field})


def _read(record: RawRecord) -> tuple[UUID, WebhookReceived]:
    """The call and its record's id. The gateway wrote it; a number of the provider's in it may look like a card's.

    Raises:
        UnreadableRecord: it is not as a gateway writes it.
    """
    envelope = Envelope.read(record.readable_headers)
    try:
        return envelope.id, WebhookReceived.model_validate_json(record.value or b"")
    except ValidationError as bad:
        error = bad.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(step) for step in error["loc"])
        raise UnreadableRecord("invalid_field", field, error["msg"]) from None
