"""Giving money back: of one line by its transaction, or of the whole payment by amount. The amount is always said."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Outcome
from providers.payments.iyzico.amounts import from_wire, to_wire
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.known import amount_of, payment_id_of, require_payment
from providers.payments.iyzico.wire import MovedReply, post
from schemas.payments import CancelPayment, Reason, RefundPayment
from schemas.verdicts import Verdict

BY_LINE: Final = "/payment/refund"
BY_AMOUNT: Final = "/v2/payment/refund"
_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {"fraud": "FRAUD", "buyer_request": "BUYER_REQUEST", "double_payment": "DOUBLE_PAYMENT"}
)


def build_refund(command: RefundPayment, attempt: Attempt) -> Request:
    if command.line_id is None:
        return by_amount(attempt, command.reason)
    line = next((line for line in attempt.payment.lines if line.line_id == command.line_id), None)
    if line is None:
        raise Unsayable(Reason.UNKNOWN_LINE, "the payment has no such line_id; send one of its basket's")
    left = attempt.payment.line_refundable(command.line_id) or 0
    amount = amount_of(attempt, left)
    return post(
        BY_LINE,
        {
            "conversationId": attempt.reference,
            "paymentTransactionId": line.provider_reference,
            "price": to_wire(amount),
            "currency": amount.currency,
            **why(command.reason),
        },
    )


def by_amount(attempt: Attempt, reason: str | None) -> Request:
    amount = amount_of(attempt, attempt.payment.refundable)
    return post(
        BY_AMOUNT,
        {
            "conversationId": attempt.reference,
            "paymentId": payment_id_of(attempt),
            "price": to_wire(amount),
            "currency": amount.currency,
            **why(reason),
        },
    )


def why(reason: str | None) -> dict[str, str]:
    """A description must come with a reason out of a fixed list; one of its words, alone, is that reason."""
    return {} if reason is None else {"reason": _REASONS.get(reason, "OTHER"), "description": reason}


def read_refund(reply: MovedReply, _command: RefundPayment | CancelPayment, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    require_payment(reply, attempt)
    return Outcome(
        verdict=Verdict.ACCEPTED,
        reference=attempt.payment.provider_reference or reply.payment_id,
        amount=from_wire(reply.price, reply.currency, "price"),
    )
