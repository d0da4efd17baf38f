"""Providers' calls as the gateway stores them, for one hub."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from agents.sealing import Seal
from infra.credential_store import key_ring
from providers.reference import reference_for
from providers.registry import connectors
from schemas.ids import new_id
from schemas.payments import PaymentNoticed
from schemas.webhooks import Verified, WebhookHandled, WebhookReceived
from streams.codec import Outgoing
from streams.records import Position
from tests.builders import a_record, a_webhook_received
from tests.hub import INTEGRATION, Hub

BODY = b'{"iyziEventType":"PAYMENT_API","status":"SUCCESS"}'


def reference_of(command_id: UUID) -> str:
    """What the hub calls the first attempt of a command towards iyzico."""
    return reference_for(command_id, "a", 1, connectors()["iyzico"].reference)


class Calls:
    """Publishes them and tells what became of them."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._topic = hub.settings.topics.webhook_events.name

    def record(self, *, age: timedelta = timedelta(), received_id: UUID | None = None, **said: Any) -> Outgoing:
        """One call of the account `INTEGRATION`, a new event unless told otherwise."""
        one = received_id or new_id()
        sealed = base64.b64encode(Seal(key_ring(self._hub.settings)).close_call(BODY, one)).decode()
        given: dict[str, Any] = {
            "integration_id": INTEGRATION,
            "event_id": f"event-{one}",
            "verified": Verified(arrived_at=datetime.now(UTC) - age, secret_index=0),
            "sealed": sealed,
            "our_reference": None,
            "provider_reference": None,
        }
        body = a_webhook_received(**(given | said))
        return a_record(self._topic, body, key=f"{body.integration_id}/{body.event_id}", id=one)

    async def publish(self, **said: Any) -> UUID:
        """The `ce_id` of the call's record."""
        received_id = new_id()
        await self._hub.publish([self.record(received_id=received_id, **said)])
        return received_id

    async def send(self, record: Outgoing) -> Position:
        (position,) = await self._hub.publish([record])
        return position

    async def handled(self, received_id: UUID, *, within_s: float = 30, **wanted: Any) -> WebhookHandled:
        """What became of the call, as soon as that is told."""

        def found() -> list[WebhookHandled]:
            return [
                event
                for event in self._hub.webhooks
                if isinstance(event, WebhookHandled)
                and event.received_id == received_id
                and all(getattr(event, name) == value for name, value in wanted.items())
            ]

        return (await self._hub.until(found, within_s=within_s))[0]

    async def noticed(self, received_id: UUID, *, within_s: float = 30) -> PaymentNoticed:
        """The result of the command that the call became."""
        handled = await self.handled(received_id, within_s=within_s)
        assert handled.command_id is not None, handled
        result = (await self._hub.results([handled.command_id], within_s=within_s))[handled.command_id]
        assert isinstance(result, PaymentNoticed), result
        return result

    def received(self, keep: Callable[[WebhookReceived], bool]) -> list[WebhookReceived]:
        return [event for event in self._hub.webhooks if isinstance(event, WebhookReceived) and keep(event)]
