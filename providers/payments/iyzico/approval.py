"""Letting a sub-merchant have its share of a line, or taking that back: `/payment/iyzipos/item/` and the word for it.

Neither answer is signed; the payment's own look-up, which shows how each line stands, is.
"""

from typing import Final

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.iyzico.detail import Standing, ask_by_id, standing_of
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.known import payment_id_of, require_payment
from providers.payments.iyzico.wire import Envelope, PaymentReply, Word, post
from schemas.payments import ApproveLine, Reason
from schemas.verdicts import Verdict

_APPROVE: Final = "/payment/iyzipos/item/approve"
_WITHDRAW: Final = "/payment/iyzipos/item/disapprove"
_WAITING: Final = "1"
_APPROVED: Final = "2"


class ApprovalReply(Envelope):
    payment_transaction_id: Word | None = None


def build_approval(command: ApproveLine, attempt: Attempt) -> Request:
    path = _WITHDRAW if command.withdraw else _APPROVE
    fields = {"conversationId": attempt.reference, "paymentTransactionId": _transaction_of(command, attempt)}
    return post(path, fields)


def read_approval(reply: ApprovalReply, command: ApproveLine, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    if reply.payment_transaction_id != _transaction_of(command, attempt):
        raise UnusableAnswer("paymentTransactionId is not the one that was sent")
    return _done(attempt)


def build_inquiry(_command: ApproveLine, attempt: Attempt) -> Request:
    return ask_by_id(payment_id_of(attempt), attempt)


def read_inquiry(reply: PaymentReply, command: ApproveLine, attempt: Attempt) -> Finding:
    standing, _ = standing_of(reply)
    if standing is Standing.ABSENT:
        return Finding(Sighting.ABSENT)
    require_payment(reply, attempt)
    ours = _transaction_of(command, attempt)
    lines = [line for line in reply.item_transactions or () if line.payment_transaction_id == ours]
    if len(lines) != 1 or lines[0].transaction_status not in {_WAITING, _APPROVED}:
        raise UnusableAnswer("the line or its transactionStatus is missing, or a word that no approval leads to")
    wanted = _WAITING if command.withdraw else _APPROVED
    if lines[0].transaction_status != wanted:
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, _done(attempt))


def _transaction_of(command: ApproveLine, attempt: Attempt) -> str:
    line = next((line for line in attempt.payment.lines if line.line_id == command.line_id), None)
    if line is None:
        raise Unsayable(Reason.UNKNOWN_LINE, "the payment has no such line_id; send one of its basket's")
    return line.provider_reference


def _done(attempt: Attempt) -> Outcome:
    return Outcome(verdict=Verdict.ACCEPTED, reference=attempt.payment.provider_reference)
