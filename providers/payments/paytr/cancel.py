"""Undoing a payment. PayTR has no void, and holds nothing: what is left of the payment is refunded, on its day too."""

from providers.connector import Attempt, Request, Unsayable
from providers.payments.paytr.refund import give_back
from schemas.payments import CancelPayment, Reason


def build_cancel(_command: CancelPayment, attempt: Attempt) -> Request:
    if not attempt.payment.captured:
        raise Unsayable(
            Reason.NOTHING_CAPTURED,
            "PayTR can undo only what was paid; an order that nobody pays on ends by itself after half an hour",
        )
    return give_back(attempt)
