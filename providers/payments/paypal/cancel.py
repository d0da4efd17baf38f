"""Lifting a hold (`POST /v2/payments/authorizations/{id}/void`), or giving back what is left of a capture.

An order that nobody has paid cannot be cancelled there: without a completion it lapses, and no money moves.
"""

from typing import Final

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, ProviderState, Sighting, UnusableAnswer
from providers.payments.paypal.amounts import moved
from providers.payments.paypal.errors import is_absent, not_answered, refusal
from providers.payments.paypal.known import beginning_of, movement_of
from providers.payments.paypal.order import Movement, OrderReply, performed, require_order
from providers.payments.paypal.refund import of_capture, read_refund, read_refund_inquiry
from providers.payments.paypal.wire import post
from schemas.payments import CancelPayment, Reason
from schemas.verdicts import Verdict

_PATH: Final = "/v2/payments/authorizations/{authorization}/void"


def build_cancel(command: CancelPayment, attempt: Attempt) -> Request:
    if attempt.payment.captured:
        return of_capture(attempt, command.reason)
    if not attempt.payment.held and beginning_of(attempt) is not None:
        detail = "the payer has not paid; the order cannot be cancelled at PayPal, and lapses unless it is completed"
        raise Unsayable(Reason.INVALID_STATE, detail)
    return post(_PATH, None, key=attempt.reference, authorization=movement_of(attempt, "authorization"))


def read_cancel(reply: Movement, command: CancelPayment, attempt: Attempt) -> Outcome:
    if attempt.payment.captured:
        return read_refund(reply, command, attempt)
    if reply.failed:
        return refusal(reply)
    if reply.status != "VOIDED":
        raise UnusableAnswer("the authorization's status is missing or not the one that a void has")
    return _lifted(reply, attempt)


def read_cancel_inquiry(reply: OrderReply, command: CancelPayment, attempt: Attempt) -> Finding:
    """A hold that stands was not lifted, or not yet; one that was captured by hand never will be."""
    if attempt.payment.captured:
        return read_refund_inquiry(reply, command, attempt)
    if is_absent(reply):
        return Finding(Sighting.ABSENT)
    if reply.failed:
        raise not_answered(reply)
    require_order(reply, attempt)
    found = performed(reply)
    if found is None:
        raise UnusableAnswer("the order holds no authorization any more")
    if found.state is ProviderState.CANCELLED:
        return Finding(Sighting.CONCLUDED, _lifted(reply.movements("authorizations")[-1], attempt))
    if found.state is ProviderState.AUTHORIZED:
        return Finding(Sighting.ABSENT)
    raise UnusableAnswer("the hold is neither there nor lifted; a person must compare both books")


def _lifted(movement: Movement, attempt: Attempt) -> Outcome:
    amount = moved(movement.amount, "the authorization's amount")
    return Outcome(verdict=Verdict.ACCEPTED, reference=attempt.payment.provider_reference, amount=amount)
