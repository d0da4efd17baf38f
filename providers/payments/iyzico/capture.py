"""Taking what was held: `/payment/postauth`. The amount is always said: left out, all of the hold would be taken."""

from typing import Final

from providers.connector import Attempt, Request
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.iyzico.amounts import to_wire
from providers.payments.iyzico.detail import Standing, ask_by_id, standing_of
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.known import amount_of, payment_id_of, require_payment
from providers.payments.iyzico.result import HELD, performed
from providers.payments.iyzico.wire import PaymentReply, post
from schemas.payments import CapturePayment

_PATH: Final = "/payment/postauth"


def build_capture(_command: CapturePayment, attempt: Attempt) -> Request:
    amount = amount_of(attempt, attempt.payment.held)
    return post(
        _PATH,
        {
            "conversationId": attempt.reference,
            "paymentId": payment_id_of(attempt),
            "paidPrice": to_wire(amount),
            "currency": amount.currency,
        },
    )


def read_capture(reply: PaymentReply, _command: CapturePayment, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    require_payment(reply, attempt)
    return performed(reply)


def build_inquiry(_command: CapturePayment, attempt: Attempt) -> Request:
    return ask_by_id(payment_id_of(attempt), attempt)


def read_inquiry(reply: PaymentReply, _command: CapturePayment, attempt: Attempt) -> Finding:
    """A capture has no reference of its own there: it is seen by the hold having become something else."""
    standing, outcome = standing_of(reply)
    if standing is Standing.ABSENT:
        return Finding(Sighting.ABSENT)
    require_payment(reply, attempt)
    if standing is Standing.RUNNING or reply.phase == HELD:
        return Finding(Sighting.ABSENT)
    if reply.phase is None:
        raise UnusableAnswer("phase is missing, so that a hold cannot be told from a charge")
    return Finding(Sighting.CONCLUDED, outcome)
