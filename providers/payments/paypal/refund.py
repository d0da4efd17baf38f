"""Giving money back: `POST /v2/payments/captures/{id}/refund`. The amount is always said."""

from typing import Final

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.paypal.amounts import moved, to_wire
from providers.payments.paypal.errors import is_absent, not_answered, refusal
from providers.payments.paypal.known import amount_of, movement_of
from providers.payments.paypal.order import Movement, OrderReply, require_order
from providers.payments.paypal.wire import post
from schemas.payments import CancelPayment, Reason, RefundPayment
from schemas.verdicts import FailureClass, Verdict

_PATH: Final = "/v2/payments/captures/{capture}/refund"
_LONGEST_NOTE: Final = 255


def build_refund(command: RefundPayment, attempt: Attempt) -> Request:
    if command.line_id is not None and attempt.payment.line_refundable(command.line_id) is None:
        raise Unsayable(Reason.UNKNOWN_LINE, "PayPal knows no lines of the basket; refund by amount")
    return of_capture(attempt, command.reason)


def of_capture(attempt: Attempt, note: str | None) -> Request:
    """`custom_id` is what an attempt without an answer is found by; the note is shown to the payer."""
    body = {
        "amount": to_wire(amount_of(attempt, attempt.payment.refundable)),
        "custom_id": attempt.reference,
        "note_to_payer": None if note is None else note[:_LONGEST_NOTE],
    }
    return post(_PATH, body, key=attempt.reference, capture=movement_of(attempt, "capture"))


def read_refund(reply: Movement, _command: RefundPayment | CancelPayment, attempt: Attempt) -> Outcome:
    return refusal(reply) if reply.failed else refunded(reply, attempt)


def read_refund_inquiry(reply: OrderReply, _command: RefundPayment | CancelPayment, attempt: Attempt) -> Finding:
    """A refund is ours when it carries the attempt's reference; any other one says nothing of it."""
    if is_absent(reply):
        return Finding(Sighting.ABSENT)
    if reply.failed:
        raise not_answered(reply)
    require_order(reply, attempt)
    ours = [one for one in reply.movements("refunds") if one.custom_id == attempt.reference]
    if not ours:
        return Finding(Sighting.ABSENT)
    if len(ours) > 1:
        raise UnusableAnswer("more than one refund carries the reference; a person must compare both books")
    return Finding(Sighting.CONCLUDED, refunded(ours[0], attempt))


def refunded(movement: Movement, attempt: Attempt) -> Outcome:
    """What became of a refund.

    Raises:
        UnusableAnswer: its amount is missing, or its status is a word that was never met.
    """
    match movement.status:
        case "COMPLETED":
            amount = moved(movement.amount, "the refund's amount")
            return Outcome(verdict=Verdict.ACCEPTED, reference=attempt.payment.provider_reference, amount=amount)
        case "PENDING":
            return Outcome(
                verdict=Verdict.PENDING,
                reference=attempt.payment.provider_reference,
                amount=moved(movement.amount, "the refund's amount"),
                reason=Reason.UNDER_REVIEW,
                detail="PayPal takes the money from the merchant's bank first; its call tells when it is done",
                their_code=movement.why,
            )
        case "FAILED" | "CANCELLED":
            return Outcome(
                verdict=Verdict.REFUSED,
                reason=Reason.OTHER,
                failure=FailureClass.STATE,
                detail=f"PayPal did not give the money back ({movement.why or movement.status})",
                their_code=movement.why or movement.status,
            )
        case _:
            raise UnusableAnswer("the refund's status is missing or a word that PayPal's documents do not have")
