"""A seller's share of a payment: `/odeme/platform/transfer`. PayTR refuses a transfer number that it has seen.

Source: README, "Shares of sellers".
"""

from decimal import Decimal
from typing import Final

from providers.connector import Attempt, Request, Unsayable, Wire
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.paytr.amounts import Amount, from_wire, to_kurus
from providers.payments.paytr.errors import TRANSFER, refused_by_number
from providers.payments.paytr.known import order_number_of
from providers.payments.paytr.status import StatusReply, ask
from providers.payments.paytr.wire import ErrorNumber, Word, post, rows_of
from schemas.money import Money
from schemas.payments import Reason, TransferShare
from schemas.verdicts import Verdict

ABSENCE_S: Final = 24 * 3600
"""Transfers are made on the next working day, and nothing says when an order's status begins to show them."""


class TransferReply(Wire):
    status: str
    err_no: ErrorNumber | None = None
    trans_id: Word | None = None
    submerchant_amount: Amount | None = None


class _Row(Wire):
    trans_id: Word
    amount: Amount | None = None


def build_transfer(command: TransferShare, attempt: Attempt) -> Request:
    """`total_amount` is what is taken out of the order: share, commissions and what is the store's. The rest stays."""
    if not attempt.payment.captured:
        raise Unsayable(Reason.NOTHING_CAPTURED, "nothing was taken that could be shared; create the payment first")
    return post(
        "/odeme/platform/transfer",
        {
            "merchant_oid": order_number_of(attempt.payment),
            "trans_id": attempt.reference,
            "submerchant_amount": to_kurus(command.amount),
            "total_amount": to_kurus(command.of_amount or command.amount),
            "transfer_name": command.recipient_name,
            "transfer_iban": command.recipient_iban,
        },
    )


def read_transfer(reply: TransferReply, command: TransferShare, attempt: Attempt) -> Outcome:
    """PayTR took the order to transfer; that it was made is told by its call.

    Raises:
        UnusableAnswer: it speaks of another transfer, or a word was never met.
    """
    if reply.status in {"error", "failed"}:
        return refused_by_number(TRANSFER, reply.err_no)
    if reply.status != "success" or reply.trans_id not in {None, attempt.reference}:
        raise UnusableAnswer("status is a word that was never met, or the answer speaks of another transfer")
    return Outcome(
        verdict=Verdict.ACCEPTED,
        reference=order_number_of(attempt.payment),
        amount=_amount(reply.submerchant_amount, command),
    )


def build_inquiry(_command: TransferShare, attempt: Attempt) -> Request:
    return ask(order_number_of(attempt.payment))


def read_inquiry(reply: StatusReply, command: TransferShare, attempt: Attempt) -> Finding:
    """By the transfer's number among the order's. Rows without numbers say nothing of it, for or against.

    Raises:
        UnusableAnswer: the order is said not to be paid, or its transfers cannot be told apart.
    """
    if not reply.succeeded:
        raise UnusableAnswer("PayTR knows no successful payment of it", their_code=reply.err_no)
    rows = rows_of(reply.submerchant_payments, _Row, "submerchant_payments")
    ours = next((row for row in rows if row.trans_id == attempt.reference), None)
    if ours is None:
        return Finding(Sighting.ABSENT)
    order, amount = order_number_of(attempt.payment), _amount(ours.amount, command)
    return Finding(Sighting.CONCLUDED, Outcome(verdict=Verdict.ACCEPTED, reference=order, amount=amount))


def _amount(told: Decimal | None, command: TransferShare) -> Money:
    """What was told, in lira or in kuruş: their documents do not say which. Nothing told is what the token signs."""
    if told is None or told == command.amount.minor:
        return command.amount.with_minor(command.amount.minor)
    return from_wire(told, command.amount.currency, "submerchant_amount")
