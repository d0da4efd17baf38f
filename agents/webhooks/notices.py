"""From a provider's call to the internal command that it becomes. Pure."""

import json
from datetime import timedelta
from typing import Final
from uuid import UUID

from agents.webhooks.finding import Subject
from schemas.card_numbers import holds_card_number
from schemas.ids import derived_id
from schemas.payments import TakeNotice
from schemas.payments.resources import TakeResourceNotice
from schemas.webhooks import WebhookReceived

SOURCE: Final = "/kolaj/hub/webhooks"
_DAY_MS: Final = int(timedelta(days=1).total_seconds() * 1000)
_SOON_MS: Final = 3 * _DAY_MS
"""Far less than commands are kept, so that the ledger refuses no id of such an age for being too old."""


def notice_of(call: WebhookReceived, subject: Subject) -> TakeNotice | TakeResourceNotice:
    """Only what a repeat of the call repeats: the same event is the same command word for word."""
    if call.about == "resource":
        return TakeResourceNotice(
            resource_id=subject.id,
            integration_id=call.integration_id,
            event_id=_sayable(call.event_id),
            event_type=_sayable(call.event_type),
            provider_reference=_sayable(call.provider_reference),
            order_reference=_sayable(call.order_reference),
        )
    return TakeNotice(
        payment_id=subject.id,
        integration_id=call.integration_id,
        cause="webhook",
        event_id=_sayable(call.event_id),
        event_type=_sayable(call.event_type),
        our_reference=None if _tells_of_a_movement(call, subject) else _sayable(call.our_reference),
        provider_reference=_sayable(call.provider_reference),
        customer_key=_sayable(call.customer_key),
        dispute_reference=_sayable(call.dispute_reference),
        said=call.said,
    )


def notice_id(call: WebhookReceived, subject: Subject, notice: TakeNotice | TakeResourceNotice) -> UUID:
    """The command's id, made of all that it says: another word under the same event is another command.

    An event's id may stand outside of what is signed, so that who repeats a call can choose it: it must neither keep
    another call from being heard nor come as a conflict. The moment in it is that of the attempt which the call names,
    where that was begun a few days before, and else the day of the call: of a dispute or a renewal that comes months
    later. A repeat on another day is then heard twice, which costs a question.
    """
    day_ms = int(call.verified.arrived_at.timestamp() * 1000) // _DAY_MS * _DAY_MS
    begun_ms = subject.begun_ms
    made_ms = day_ms if begun_ms is None or day_ms - begun_ms > _SOON_MS else begun_ms
    told = json.dumps([call.event_id, notice.model_dump(mode="json")], sort_keys=True)
    return derived_id(made_ms, f"{SOURCE} {told}")


def _tells_of_a_movement(call: WebhookReceived, subject: Subject) -> bool:
    """Whether it is about a movement that we ordered beside the payment's making: a refund, or a seller's share.

    The payment was found by that movement's reference, which would be taken for a further attempt to make it.
    """
    return subject.moves or (call.said is None and call.provider_reference is None)


def _sayable(token: str | None) -> str | None:
    """A provider's number may look like a card's; no command carries such a one."""
    return None if token is None or holds_card_number(token) else token
