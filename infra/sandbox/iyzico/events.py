"""What a merchant is told: the body of the call and its signature, for each of the three forms. Pure.

Source: iyzico's pages on webhooks. The subscription form begins with the merchant's number, which its body lacks.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.sandbox.iyzico.signing import Keys, sign_concatenated

MERCHANT: Final = "3404590"


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """A payment came to `status`; of a hosted page when it has a token. `after_ms` is counted from the call."""

    kind: str
    payment_id: str
    conversation_id: str | None
    status: str
    token: str | None = None
    after_ms: int = 0


@dataclass(frozen=True, slots=True)
class SubscriptionEvent:
    """An order of a subscription was paid, or was not."""

    kind: str
    order: str
    subscription: str
    customer: str
    after_ms: int = 0


Event = PaymentEvent | SubscriptionEvent
Body = Mapping[str, str | int]


def body_of(event: Event, at_ms: int) -> Body:
    """The JSON object of the call; its reference is a new one each time."""
    happened: dict[str, str | int] = {
        "iyziReferenceCode": str(uuid.uuid4()),
        "iyziEventType": event.kind,
        "iyziEventTime": at_ms,
    }
    if isinstance(event, SubscriptionEvent):
        return {
            "orderReferenceCode": event.order,
            "customerReferenceCode": event.customer,
            "subscriptionReferenceCode": event.subscription,
            **happened,
        }
    named: dict[str, str | int] = (
        {"paymentId": int(event.payment_id)} if event.token is None else {"token": event.token}
    )
    return {
        "paymentConversationId": event.conversation_id or "",
        "merchantId": MERCHANT,
        **named,
        "status": event.status,
        **happened,
        "iyziPaymentId": int(event.payment_id),
    }


def sign_event(keys: Keys, body: Body) -> str:
    """The header `X-IYZ-SIGNATURE-V3` for a body; its fields say which form it has."""
    secret = keys.secret_key
    names: tuple[str, ...]
    if "subscriptionReferenceCode" in body:
        names = ("iyziEventType", "subscriptionReferenceCode", "orderReferenceCode", "customerReferenceCode")
        return sign_concatenated(secret, (MERCHANT, secret, *(str(body[name]) for name in names)))
    if "token" in body:
        names = ("iyziEventType", "iyziPaymentId", "token", "paymentConversationId", "status")
    else:
        names = ("iyziEventType", "paymentId", "paymentConversationId", "status")
    return sign_concatenated(secret, (secret, *(str(body[name]) for name in names)))
