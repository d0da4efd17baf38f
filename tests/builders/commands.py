"""Commands about payments."""

from typing import Any
from uuid import UUID

from schemas.ids import new_id
from schemas.money import Price
from schemas.payments import (
    ApproveLine,
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    CreatePayment,
    ProviderToken,
    QueryPayment,
    ReauthorizePayment,
    RefundPayment,
    ResolveOutcome,
    ReturnedField,
    StartThreeDSecure,
    StoredCard,
    TakeNotice,
    TransferShare,
)
from tests.builders.amounts import lira
from tests.builders.orders import a_buyer, a_line, an_address


def a_create_payment(amount: Price | None = None, **changed: Any) -> CreatePayment:
    """One line of `amount` (12.50 TRY), paid at once with a provider's token."""
    price = amount or lira("12.50")
    given: dict[str, Any] = {
        "payment_id": new_id(),
        "integration_id": "iyzico-main",
        "order_id": "order-1001",
        "method": ProviderToken(kind="provider_token", token="tok_visa"),
        "price": price,
        "paid_price": price,
        "buyer": a_buyer(),
        "billing_address": an_address(),
        "shipping_address": an_address(),
        "basket": (a_line(price),),
    }
    return CreatePayment(**(given | changed))


def a_start_three_d_secure(amount: Price | None = None, **changed: Any) -> StartThreeDSecure:
    """As `a_create_payment`, with a card that the provider keeps, and where the payer comes back to."""
    card = StoredCard(kind="stored_card", card_token="card-1", customer_key="buyer-1")
    given: dict[str, Any] = {"method": card, "return_url": "https://shop.example/back", **changed}
    return StartThreeDSecure(**dict(a_create_payment(amount)) | given)


def a_complete_three_d_secure(payment_id: UUID | None = None, **returned: str) -> CompleteThreeDSecure:
    fields = tuple(ReturnedField(name=name, value=value) for name, value in returned.items())
    return CompleteThreeDSecure(payment_id=payment_id or new_id(), returned=fields)


def an_approve_line(payment_id: UUID | None = None, **changed: Any) -> ApproveLine:
    return ApproveLine(payment_id=payment_id or new_id(), **({"line_id": "line-1"} | changed))


def a_transfer_share(payment_id: UUID | None = None, amount: Price | None = None, **changed: Any) -> TransferShare:
    given = {"recipient_name": "Işıl Çağrı", "recipient_iban": "TR330006100519786457841326"}
    return TransferShare(payment_id=payment_id or new_id(), amount=amount or lira("5.00"), **(given | changed))


def a_capture_payment(payment_id: UUID | None = None, amount: Price | None = None, **changed: Any) -> CapturePayment:
    return CapturePayment(payment_id=payment_id or new_id(), amount=amount, **changed)


def a_reauthorize_payment(payment_id: UUID | None = None, **changed: Any) -> ReauthorizePayment:
    return ReauthorizePayment(payment_id=payment_id or new_id(), **changed)


def a_cancel_payment(payment_id: UUID | None = None, **changed: Any) -> CancelPayment:
    return CancelPayment(payment_id=payment_id or new_id(), **changed)


def a_refund_payment(payment_id: UUID | None = None, amount: Price | None = None, **changed: Any) -> RefundPayment:
    return RefundPayment(payment_id=payment_id or new_id(), amount=amount, **changed)


def a_take_notice(payment_id: UUID | None = None, **changed: Any) -> TakeNotice:
    return TakeNotice(payment_id=payment_id or new_id(), **({"cause": "webhook", "event_id": "event-1"} | changed))


def a_query_payment(payment_id: UUID | None = None, **changed: Any) -> QueryPayment:
    return QueryPayment(payment_id=payment_id or new_id(), **changed)


def a_resolve_outcome(payment_id: UUID | None = None, **changed: Any) -> ResolveOutcome:
    given: dict[str, Any] = {
        "of_command_id": new_id(),
        "verdict": "accepted",
        "provider_reference": "22416032",
        "evidence": "seen in the provider's panel",
        "by": "Işıl Çağrı",
    }
    return ResolveOutcome(payment_id=payment_id or new_id(), **(given | changed))
