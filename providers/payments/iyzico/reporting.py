"""What became of a cancel or a refund: only the payment's report shows them, each under the reference we sent with it.

The report carries no signature, and an empty one means "not seen yet".
"""

from decimal import Decimal
from typing import Final

from providers.connector import Attempt, Request
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.iyzico.amounts import from_wire
from providers.payments.iyzico.detail import NOT_FOUND, not_answered
from providers.payments.iyzico.known import amount_of, payment_id_of
from providers.payments.iyzico.wire import Amount, Envelope, Fields, Word, get
from schemas.money import Money
from schemas.payments import CancelPayment, RefundPayment
from schemas.verdicts import Verdict

_PATH: Final = "/v2/reporting/payment/details"
_DONE: Final = frozenset({"1", "SUCCESS"})


class Reversal(Fields):
    refund_conversation_id: Word | None = None
    cancel_conversation_id: Word | None = None
    refund_price: Amount | None = None
    refund_status: Word | None = None


class ReportedLine(Fields):
    refunds: tuple[Reversal, ...] | None = None


class ReportedPayment(Fields):
    payment_id: Word
    currency: str | None = None
    cancels: tuple[Reversal, ...] | None = None
    item_transactions: tuple[ReportedLine, ...] | None = None


class Report(Envelope):
    payments: tuple[ReportedPayment, ...] | None = None


def build_inquiry(_command: CancelPayment | RefundPayment, attempt: Attempt) -> Request:
    return get(_PATH, paymentId=payment_id_of(attempt), conversationId=attempt.reference)


def read_inquiry(reply: Report, _command: CancelPayment | RefundPayment, attempt: Attempt) -> Finding:
    if reply.failed:
        if reply.error_code == NOT_FOUND:
            return Finding(Sighting.ABSENT)
        raise not_answered(reply)
    ours = [payment for payment in reply.payments or () if payment.payment_id == payment_id_of(attempt)]
    cancels = [c for p in ours for c in p.cancels or () if c.cancel_conversation_id == attempt.reference]
    lines = [line for payment in ours for line in payment.item_transactions or ()]
    refunds = [r for line in lines for r in line.refunds or () if r.refund_conversation_id == attempt.reference]
    if not cancels and not refunds:
        return Finding(Sighting.ABSENT)
    if not all(reversal.refund_status in _DONE for reversal in (*cancels, *refunds)):
        # Only "done" is documented; any other word may still become it.
        return Finding(Sighting.RUNNING)
    amount = _whole(attempt) if cancels else _total(refunds, ours[0].currency)
    return Finding(
        Sighting.CONCLUDED, Outcome(verdict=Verdict.ACCEPTED, reference=payment_id_of(attempt), amount=amount)
    )


def _whole(attempt: Attempt) -> Money:
    return amount_of(attempt, attempt.payment.held or attempt.payment.refundable)


def _total(refunds: list[Reversal], currency: str | None) -> Money:
    """One refund by amount is spread over lines: its parts add up to it."""
    prices = [refund.refund_price for refund in refunds if refund.refund_price is not None]
    if len(prices) != len(refunds):
        raise UnusableAnswer("refundPrice is missing in the report")
    return from_wire(sum(prices, Decimal(0)), currency, "refundPrice")
