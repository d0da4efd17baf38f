"""Lifting a hold or giving a whole payment back on its day: `/payment/cancel`.

After a partial refund a cancel would be refused, or give back too much; what is left is refunded by amount instead.
"""

from typing import Final

from providers.connector import Attempt, Request
from providers.outcome import Outcome, UnusableAnswer
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.known import amount_of, payment_id_of, require_payment
from providers.payments.iyzico.refund import by_amount, read_refund, why
from providers.payments.iyzico.wire import MovedReply, post
from schemas.payments import CancelPayment
from schemas.verdicts import Verdict

_PATH: Final = "/payment/cancel"


def build_cancel(command: CancelPayment, attempt: Attempt) -> Request:
    if attempt.payment.refunded:
        return by_amount(attempt, command.reason)
    return post(
        _PATH,
        {"conversationId": attempt.reference, "paymentId": payment_id_of(attempt), **why(command.reason)},
    )


def read_cancel(reply: MovedReply, command: CancelPayment, attempt: Attempt) -> Outcome:
    if attempt.payment.refunded:
        return read_refund(reply, command, attempt)
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    require_payment(reply, attempt)
    if reply.price is None or reply.currency is None:
        raise UnusableAnswer("price or currency is missing in a success")
    # A cancel has no part: it undoes the whole payment. Their `price` is documented as the basket's total, which
    # differs from what was paid where there is a surcharge or a discount, so it is no measure of what came back.
    whole = amount_of(attempt, attempt.payment.held or attempt.payment.refundable)
    if reply.currency != whole.currency:
        raise UnusableAnswer("currency is not the payment's")
    return Outcome(verdict=Verdict.ACCEPTED, reference=payment_id_of(attempt), amount=whole)
