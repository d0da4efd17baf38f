"""Results of payment commands. Each is about one command; give `command_id` and `payment_id` to tie it to others."""

from datetime import timedelta
from typing import Any

from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import (
    CommandPending,
    CommandRefused,
    CommandUnknown,
    CompleteThreeDSecure,
    LineApproved,
    LineReference,
    OutcomeResolved,
    PaymentCancelled,
    PaymentCaptured,
    PaymentCreated,
    PaymentNoticed,
    PaymentQueried,
    PaymentReauthorized,
    PaymentRefunded,
    Performed,
    Reason,
    ShareTransferred,
    ShowPage,
    StartThreeDSecure,
    ThreeDSecureCompleted,
)
from schemas.verdicts import FailureClass
from tests.builders.amounts import lira
from tests.builders.records import NOON


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


def a_payment_reauthorized(amount: Money | None = None, **changed: Any) -> PaymentReauthorized:
    price = amount or lira("12.50")
    lines = (LineReference(line_id="line-1", provider_reference="24068103", paid=price),)
    own = {"amount": price, "held_until": NOON + timedelta(days=29), "lines": lines}
    return PaymentReauthorized(**(_result("payments.reauthorize_payment.v1", own) | changed))


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
