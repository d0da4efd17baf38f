"""Taking what was held: `POST /v2/payments/authorizations/{id}/capture`.

A payment is captured once: what is not taken of the hold is let go (`final_capture`).
"""

from dataclasses import replace
from typing import Final

from providers.connector import Attempt, Request
from providers.outcome import Finding, Outcome, ProviderState, Sighting, UnusableAnswer
from providers.payments.paypal.amounts import to_wire
from providers.payments.paypal.errors import is_absent, not_answered, refusal
from providers.payments.paypal.known import amount_of, movement_of
from providers.payments.paypal.order import Movement, OrderReply, captured, performed, require_order
from providers.payments.paypal.wire import post
from schemas.payments import CapturePayment
from schemas.verdicts import Verdict

_PATH: Final = "/v2/payments/authorizations/{authorization}/capture"


def build_capture(_command: CapturePayment, attempt: Attempt) -> Request:
    body = {
        "amount": to_wire(amount_of(attempt, attempt.payment.held)),
        "final_capture": True,
        "invoice_id": attempt.reference,
    }
    return post(_PATH, body, key=attempt.reference, authorization=movement_of(attempt, "authorization"))


def read_capture(reply: Movement, _command: CapturePayment, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    return replace(captured(reply), reference=attempt.payment.provider_reference)


def read_capture_inquiry(reply: OrderReply, _command: CapturePayment, attempt: Attempt) -> Finding:
    """A hold that stands was not captured, or not yet; one that was lifted never will be."""
    if is_absent(reply):
        return Finding(Sighting.ABSENT)
    if reply.failed:
        raise not_answered(reply)
    require_order(reply, attempt)
    found = performed(reply)
    if found is None:
        raise UnusableAnswer("the order holds no authorization any more")
    holds = found.state is ProviderState.AUTHORIZED or not reply.movements("captures")
    if holds and found.verdict is not Verdict.REFUSED:
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, found)
