"""Valid things for tests: each builder takes only what a test is about, and fills in the rest with one shop's day."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from schemas.envelope import Envelope
from schemas.ids import new_id, rejection_id, result_id
from schemas.integrations import (
    BreakerChanged,
    CommandWithdrawn,
    HealthChecked,
    IntegrationStarted,
    IntegrationStopped,
    LagAlarm,
    RateLimitReported,
)
from schemas.intents import SendIntended
from schemas.money import Money, Price
from schemas.payments import (
    Address,
    ApproveLine,
    BasketLine,
    Buyer,
    CancelPayment,
    CapturePayment,
    CommandPending,
    CommandRefused,
    CommandRejected,
    CommandUnknown,
    CompleteThreeDSecure,
    CreatePayment,
    LateOutcome,
    LineApproved,
    LineReference,
    OutcomeResolved,
    PaymentCancelled,
    PaymentCaptured,
    PaymentCreated,
    PaymentNoticed,
    PaymentQueried,
    PaymentRefunded,
    Performed,
    ProviderToken,
    QueryPayment,
    Reason,
    RefundPayment,
    ResolveOutcome,
    ResultDivergence,
    ReturnedField,
    ShareTransferred,
    ShowPage,
    StartThreeDSecure,
    StoredCard,
    TakeNotice,
    ThreeDSecureCompleted,
    TransferShare,
)
from schemas.privacy import SubjectErased
from schemas.provider_calls import ProviderCalled
from schemas.verdicts import FailureClass, Verdict
from schemas.webhooks import Verified, WebhookHandled, WebhookReceived, WebhooksRefused
from streams.codec import Outgoing, encode

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
"""When everything happens, unless a test says otherwise."""

SHOP = "tests/shop"
HUB = "kolaj/payments"


def lira(amount: str) -> Price:
    return Price.parse(amount, "TRY")


def money(amount: str, currency: str) -> Price:
    return Price.parse(amount, currency)


def an_envelope(body: BaseModel | type[BaseModel] | None = None, **changed: Any) -> Envelope:
    """The envelope for `body` (its type and, for a command's result, its derived id); `changed` wins."""
    command = getattr(body, "command_id", None)
    is_result = getattr(body, "verdict", None) is not None and not isinstance(body, LateOutcome)
    given: dict[str, Any] = {
        "id": result_id(command) if is_result and command is not None else new_id(),
        "type": getattr(body, "type", "payments.create.v1"),
        "source": SHOP,
        "time": NOON,
        **changed,
    }
    return Envelope(**given)


def a_record(topic: str, body: BaseModel, *, key: str | None = None, **envelope: Any) -> Outgoing:
    """`body` as a record for `topic`, keyed as the hub keys it: by payment, else by integration."""
    own = getattr(body, "key", None) or getattr(body, "payment_id", None) or getattr(body, "integration_id", "none")
    return encode(topic, key if key is not None else str(own), an_envelope(body, **envelope), body)


# Commands.


def an_address(**changed: Any) -> Address:
    given = {
        "contact_name": "Işıl Çağrı",
        "line": "Bağdat Cad. 42/7, Kadıköy",
        "city": "İstanbul",
        "country": "Turkey",
        "zip_code": "34710",
    }
    return Address(**(given | changed))


def a_buyer(**changed: Any) -> Buyer:
    given: dict[str, Any] = {
        "buyer_id": "buyer-7",
        "name": "Işıl",
        "surname": "Çağrı",
        "email": "isil@example.com",
        "identity_number": "74300864791",
        "phone": "+905350000000",
        "ip": "85.34.78.112",
        "address": an_address(),
    }
    return Buyer(**(given | changed))


def a_line(price: Money, line_id: str = "line-1", **changed: Any) -> BasketLine:
    given: dict[str, Any] = {
        "line_id": line_id,
        "name": "Seramik kupa",
        "category": "Mutfak",
        "goods": "physical",
        "price": Price(minor=price.minor, currency=price.currency),
    }
    return BasketLine(**(given | changed))


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


# Results. Each is about one command; give `command_id` and `payment_id` to tie it to others.


def performed(**changed: Any) -> Performed:
    given = {
        "integration_id": "iyzico-main",
        "provider": "iyzico",
        "provider_reference": "22416032",
        "our_reference": "a1b2c3d4",
    }
    return Performed(**(given | changed))


def _result(command_type: str, changed: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {
        "payment_id": new_id(),
        "command_id": new_id(),
        "command_type": command_type,
        "concluded_at": NOON,
        "performed": performed(),
        "attempts": 1,
    }
    return given | changed


def a_payment_created(amount: Money | None = None, **changed: Any) -> PaymentCreated:
    price = amount or lira("12.50")
    own = {
        "order_id": "order-1001",
        "state": "captured",
        "price": price,
        "paid_price": price,
        "instalments": 1,
        "method": "provider_token",
        "lines": (LineReference(line_id="line-1", provider_reference="24068102", paid=price),),
    }
    return PaymentCreated(**(_result("payments.create.v1", own) | changed))


def a_payment_captured(amount: Money | None = None, **changed: Any) -> PaymentCaptured:
    price = amount or lira("12.50")
    return PaymentCaptured(**(_result("payments.capture.v1", {"amount": price, "captured_total": price}) | changed))


def a_payment_cancelled(amount: Money | None = None, **changed: Any) -> PaymentCancelled:
    own = {"amount": amount or lira("12.50"), "effect": "reversed"}
    return PaymentCancelled(**(_result("payments.cancel.v1", own) | changed))


def a_payment_refunded(amount: Money | None = None, **changed: Any) -> PaymentRefunded:
    price = amount or lira("5.00")
    return PaymentRefunded(**(_result("payments.refund.v1", {"amount": price, "refunded_total": price}) | changed))


def a_payment_queried(**changed: Any) -> PaymentQueried:
    own = {"provider_state": "captured", "paid_price": lira("12.50")}
    return PaymentQueried(**(_result("payments.query.v1", own) | changed))


def a_payment_noticed(**changed: Any) -> PaymentNoticed:
    own = {"cause": "webhook", "event_id": "event-1", "said": "captured", "provider_state": "captured"}
    return PaymentNoticed(**(_result("payments.take_notice.v1", own | {"paid_price": lira("12.50")}) | changed))


def a_start_pending(**changed: Any) -> CommandPending:
    """A payment that waits for its payer at the bank."""
    own = {"command_type": StartThreeDSecure.type, "order_id": "order-1001", "capture": "auto"}
    return a_command_pending(**(own | {"next_action": ShowPage(html="<form></form>")} | changed))


def a_three_d_secure_completed(amount: Money | None = None, **changed: Any) -> ThreeDSecureCompleted:
    price = amount or lira("12.50")
    own = {"provider_state": "captured", "changed": "captured", "settles": True, "paid_price": price, "amount": price}
    return ThreeDSecureCompleted(**(_result(CompleteThreeDSecure.type, own) | changed))


def a_line_approved(**changed: Any) -> LineApproved:
    return LineApproved(**(_result("payments.approve_line.v1", {"line_id": "line-1"}) | changed))


def a_share_transferred(amount: Money | None = None, **changed: Any) -> ShareTransferred:
    own = {"amount": amount or lira("5.00"), "transfer_reference": "a1b2c3d4"}
    return ShareTransferred(**(_result("payments.transfer_share.v1", own) | changed))


def an_outcome_resolved(amount: Money | None = None, **changed: Any) -> OutcomeResolved:
    own = {
        "of_command_id": new_id(),
        "of_command_type": "payments.create.v1",
        "outcome": "accepted",
        "effect": "captured",
        "amount": amount or lira("12.50"),
        "evidence": "seen in the provider's panel",
        "by": "Işıl Çağrı",
        "attempts": 0,
    }
    return OutcomeResolved(**(_result("payments.resolve_outcome.v1", own) | changed))


def a_command_refused(**changed: Any) -> CommandRefused:
    own = {
        "reason": Reason.INSUFFICIENT_FUNDS,
        "failure": FailureClass.DECLINED,
        "detail": "The card has not enough funds; ask for another card.",
        "requested": lira("12.50"),
        "provider_code": "10051",
    }
    return CommandRefused(**(_result("payments.create.v1", own) | changed))


def a_command_pending(**changed: Any) -> CommandPending:
    own = {"reason": Reason.ACTION_REQUIRED, "requested": lira("12.50")}
    return CommandPending(**(_result("payments.create.v1", own) | changed))


def a_command_unknown(**changed: Any) -> CommandUnknown:
    own = {
        "reason": Reason.OUTCOME_UNKNOWN,
        "detail": "The provider never answered and does not know the payment.",
        "requested": lira("12.50"),
        "references": ("a1b2c3d4",),
        "first_sent_at": NOON,
    }
    return CommandUnknown(**(_result("payments.create.v1", own) | changed))


# Calls of providers.


def a_webhook_received(**changed: Any) -> WebhookReceived:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "provider": "iyzico",
        "event_id": "event-1",
        "event_type": "PAYMENT_API",
        "verified": Verified(arrived_at=NOON, secret_index=0),
        "body_digest": "ab" * 32,
        "size_bytes": 120,
        "our_reference": "a1b2c3d4",
        "provider_reference": "22416032",
        "said": "captured",
        "sealed": "c2VhbGVk",
    }
    return WebhookReceived(**(given | changed))


def a_webhook_handled(**changed: Any) -> WebhookHandled:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "event_id": "event-1",
        "received_id": new_id(),
        "outcome": "processed",
        "payment_id": new_id(),
        "command_id": new_id(),
        "handled_at": NOON,
    }
    return WebhookHandled(**(given | changed))


def a_webhooks_refused(**changed: Any) -> WebhooksRefused:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "why": "wrong",
        "times": 3,
        "first_at": NOON,
        "last_at": NOON,
        "process": "gateway/1",
        "last_digest": "cd" * 32,
    }
    return WebhooksRefused(**(given | changed))


# Facts that are no result.


def a_late_outcome(**changed: Any) -> LateOutcome:
    command = changed.get("command_id") or new_id()
    given: dict[str, Any] = {
        "payment_id": new_id(),
        "command_id": command,
        "caused_by": command,
        "verdict": Verdict.ACCEPTED,
        "observed_at": NOON,
        "epoch": 1,
        "performed": performed(),
        "amount": lira("12.50"),
    }
    return LateOutcome(**(given | changed))


def a_result_divergence(**changed: Any) -> ResultDivergence:
    command = changed.get("command_id") or new_id()
    given: dict[str, Any] = {
        "payment_id": new_id(),
        "command_id": command,
        "caused_by": command,
        "observed_at": NOON,
        "kept_digest": "00" * 32,
        "other_digest": "11" * 32,
    }
    return ResultDivergence(**(given | changed))


def a_command_rejected(**changed: Any) -> CommandRejected:
    command = changed.get("command_id") or new_id()
    given: dict[str, Any] = {
        "command_id": command,
        "caused_by": command,
        "reason": "invalid_field",
        "field": "price.minor",
        "detail": "Input should be a valid integer",
        "topic": "kolaj.payments.commands",
        "partition": 0,
        "offset": 0,
        "observed_at": NOON,
    }
    return CommandRejected(**(given | changed))


def the_rejections_id(rejected: CommandRejected) -> UUID:
    return rejection_id(rejected.topic, rejected.partition, rejected.offset)


def a_send_intended(**changed: Any) -> SendIntended:
    given: dict[str, Any] = {
        "command_id": new_id(),
        "command_type": "payments.create.v1",
        "command_digest": "22" * 32,
        "key": str(changed.pop("payment_id", None) or new_id()),
        "attempt": 1,
        "integration_id": "iyzico-main",
        "reference": "a1b2c3d4",
        "request_digest": "33" * 32,
        "epoch": 1,
        "ledger": UUID("018f3a00-0000-7000-8000-000000000001"),
        "intended_at": NOON,
    }
    return SendIntended(**(given | changed))


def a_provider_called(**changed: Any) -> ProviderCalled:
    given: dict[str, Any] = {
        "command_id": new_id(),
        "integration_id": "iyzico-main",
        "provider": "iyzico",
        "operation": "create",
        "attempt": 1,
        "method": "POST",
        "url_template": "/payment/auth",
        "status_code": 200,
        "outcome": "accepted",
        "duration_us": 180_000,
        "started_at": NOON,
        "request": '{"price":"12.50"}',
        "response": '{"status":"success"}',
    }
    return ProviderCalled(**(given | changed))


def a_health_checked(**changed: Any) -> HealthChecked:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "provider": "iyzico",
        "status": "healthy",
        "response_time_ms": 85,
        "checked_at": NOON,
    }
    return HealthChecked(**(given | changed))


def a_breaker_changed(**changed: Any) -> BreakerChanged:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "provider": "iyzico",
        "operation_class": "payments",
        "process": "worker-1",
        "before": "closed",
        "state": "open",
        "changed_at": NOON,
    }
    return BreakerChanged(**(given | changed))


def an_integration_stopped(**changed: Any) -> IntegrationStopped:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "stopped_by": "Işıl",
        "why": "charges twice",
        "stopped_at": NOON,
    }
    return IntegrationStopped(**(given | changed))


def an_integration_started(**changed: Any) -> IntegrationStarted:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "started_by": "Çağrı",
        "stopped_by": "Işıl",
        "stopped_at": NOON,
        "started_at": NOON,
    }
    return IntegrationStarted(**(given | changed))


def a_command_withdrawn(**changed: Any) -> CommandWithdrawn:
    given: dict[str, Any] = {
        "command_id": new_id(),
        "key": f"payments/{new_id()}",
        "integration_id": "iyzico-main",
        "withdrawn_by": "Işıl",
        "why": "the order was cancelled",
        "withdrawn_at": NOON,
    }
    return CommandWithdrawn(**(given | changed))


def a_rate_limit_reported(**changed: Any) -> RateLimitReported:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "provider": "iyzico",
        "operation": "create",
        "process": "worker-1",
        "limit_calls": 50,
        "window_ms": 60_000,
        "allowed": 25,
        "used": 10,
        "throttled": 0,
        "turned_away": 0,
        "shared": False,
        "reported_at": NOON,
    }
    return RateLimitReported(**(given | changed))


def a_subject_erased(**changed: Any) -> SubjectErased:
    given: dict[str, Any] = {
        "subject": new_id(),
        "erased_by": "Işıl",
        "why": "asked for it",
        "erased_at": NOON,
    }
    return SubjectErased(**(given | changed))


def a_lag_alarm(**changed: Any) -> LagAlarm:
    given: dict[str, Any] = {
        "group": "kolaj.payments",
        "topic": "kolaj.payments.commands",
        "partition": 2,
        "process": "worker-1",
        "records": 12,
        "age_ms": 302_400_001,
        "bound_ms": 302_400_000,
        "seen_at": NOON,
    }
    return LagAlarm(**(given | changed))
