"""Giving money back: `/v1/refunds`, by the payment intent. The amount is always said.

Source: README, "Captures, cancels, refunds".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import StrictInt

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.stripe.amounts import from_wire, to_wire
from providers.payments.stripe.errors import raise_error, refusal
from providers.payments.stripe.intent import amount_of, intent_of
from providers.payments.stripe.wire import PAGE_SIZE, REFERENCE, Fields, Reply, get, id_of, post, the_one
from schemas.payments import CancelPayment, Reason, RefundPayment
from schemas.verdicts import FailureClass, Verdict

PATH: Final = "/v1/refunds"
_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "buyer_request": "requested_by_customer",
        "double_payment": "duplicate",
        "duplicate": "duplicate",
        "fraud": "fraudulent",
        "fraudulent": "fraudulent",
        "requested_by_customer": "requested_by_customer",
    }
)
"""Words of a command's `reason` that Stripe has one for. Other texts stay here: they may speak of a person."""


class RefundFields(Fields):
    status: str | None = None
    amount: StrictInt | None = None
    currency: str | None = None
    payment_intent: Any = None
    failure_reason: str | None = None


class RefundReply(RefundFields, Reply):
    """A refund, or an error in its place."""


class RefundList(Reply):
    object: str | None = None
    data: tuple[RefundFields, ...] | None = None


def build_refund(command: RefundPayment, attempt: Attempt) -> Request:
    if command.line_id is not None:
        raise Unsayable(Reason.UNKNOWN_LINE, "Stripe knows no basket lines; send the amount instead of line_id")
    return by_amount(attempt, command.reason)


def by_amount(attempt: Attempt, reason: str | None) -> Request:
    fields = {
        "payment_intent": intent_of(attempt),
        "amount": to_wire(amount_of(attempt, attempt.payment.refundable)),
        "reason": reason_of(reason),
        f"metadata[{REFERENCE}]": attempt.reference,
    }
    return post(PATH, PATH, fields, attempt.reference)


def reason_of(text: str | None) -> str | None:
    """A command's reason in Stripe's words; `None` where it has none for it."""
    return _REASONS.get(text or "")


def read_refund(reply: RefundReply, _command: RefundPayment | CancelPayment, attempt: Attempt) -> Outcome:
    if reply.error is not None:
        return refusal(reply.error, reply.http, intent_of(attempt))
    return given_back(reply, attempt)


def build_inquiry(_command: RefundPayment, attempt: Attempt) -> Request:
    return ask(attempt)


def ask(attempt: Attempt) -> Request:
    return get(PATH, PATH, (("payment_intent", intent_of(attempt)), ("limit", str(PAGE_SIZE))))


def read_inquiry(reply: RefundList, _command: RefundPayment, attempt: Attempt) -> Finding:
    return sighted(reply.object, reply.data, reply, attempt)


def sighted(kind: str | None, data: tuple[RefundFields, ...] | None, reply: Reply, attempt: Attempt) -> Finding:
    """Whether our refund is among the payment's."""
    raise_error(reply)
    if kind != "list" or data is None:
        raise UnusableAnswer("the answer is no list of refunds")
    found = the_one(data, attempt.reference)
    if found is None:
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, given_back(found, attempt))


def given_back(refund: RefundFields, attempt: Attempt) -> Outcome:
    """What a refund of ours came to.

    Raises:
        UnusableAnswer: it is another one, or of another payment, has no amount, or a word that was never met.
    """
    refund.require("refund")
    refund.require_echo(attempt.reference)
    if id_of(refund.payment_intent) != intent_of(attempt):
        raise UnusableAnswer("the refund is of another payment")
    amount = from_wire(refund.amount, refund.currency, "amount")
    reference = intent_of(attempt)
    match refund.status:
        case "succeeded":
            return Outcome(verdict=Verdict.ACCEPTED, reference=reference, amount=amount)
        case "pending":
            detail = f"Stripe has taken it and the bank has not ({refund.id}); its webhook tells"
            reason = Reason.UNDER_REVIEW
        case "requires_action":
            detail = f"the payer has to do something to get the money ({refund.id}); Stripe tells them by e-mail"
            reason = Reason.ACTION_REQUIRED
        case "failed" | "canceled":
            return Outcome(
                verdict=Verdict.REFUSED,
                reference=reference,
                reason=Reason.OTHER,
                failure=FailureClass.STATE,
                detail=f"the refund came to nothing ({refund.id}); the money is back in the account at Stripe",
                their_code=refund.failure_reason or refund.status,
            )
        case _:
            raise UnusableAnswer("status is missing or a word that Stripe's documents do not have")
    return Outcome(verdict=Verdict.PENDING, reference=reference, amount=amount, reason=reason, detail=detail)
