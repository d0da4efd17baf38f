"""What was paid out on a day, and what came back: `/reporting/settlement/payoutcompleted` and `/bounced`.

Two calls, and so two pages: the second has what banks sent back. Neither answer is signed. Names and bank accounts of
the sub-merchants are not read.
"""

from typing import Final

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Outcome, UnusableAnswer
from providers.payments.iyzico.amounts import magnitude
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.wire import Amount, Envelope, Fields, Word, post
from schemas.payments import Reason
from schemas.payments.resources import ListPayouts, Payout, PayoutPage
from schemas.verdicts import Verdict

_COMPLETED: Final = "/reporting/settlement/payoutcompleted"
_BOUNCED: Final = "/reporting/settlement/bounced"
_SECOND: Final = "bounced"


class CompletedFields(Fields):
    payment_transaction_id: Word | None = None
    payout_amount: Amount | None = None
    payout_type: str | None = None
    sub_merchant_key: Word | None = None
    currency: str | None = None


class BouncedFields(Fields):
    sub_merchant_key: Word | None = None


class PayoutReport(Envelope):
    payout_completed_transactions: tuple[CompletedFields, ...] | None = None
    bounced_rows: tuple[BouncedFields, ...] | None = None


def build_payouts(command: ListPayouts, attempt: Attempt) -> Request:
    if command.cursor not in {None, _SECOND}:
        raise Unsayable(Reason.INVALID_REQUEST, "the cursor is no next_cursor of an earlier page")
    fields = {"conversationId": attempt.reference, "date": f"{command.day.isoformat()} 00:00:00"}
    return post(_COMPLETED if command.cursor is None else _BOUNCED, fields)


def read_payouts(reply: PayoutReport, command: ListPayouts, _attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    if command.cursor is None:
        if reply.payout_completed_transactions is None:
            raise UnusableAnswer("payoutCompletedTransactions is missing in a success")
        paid = tuple(_paid(row) for row in reply.payout_completed_transactions)
        page = PayoutPage(day=command.day, payouts=paid, next_cursor=_SECOND)
    else:
        if reply.bounced_rows is None:
            raise UnusableAnswer("bouncedRows is missing in a success")
        returned = tuple(Payout(kind="returned", merchant_key=row.sub_merchant_key) for row in reply.bounced_rows)
        page = PayoutPage(day=command.day, payouts=returned)
    return Outcome(verdict=Verdict.ACCEPTED, details=page)


def _paid(row: CompletedFields) -> Payout:
    if row.payout_amount is None or row.currency is None:
        raise UnusableAnswer("payoutAmount or currency of a row is missing")
    return Payout(
        kind="paid_out",
        payment_reference=row.payment_transaction_id,
        amount=magnitude(row.payout_amount, row.currency),
        merchant_key=row.sub_merchant_key or None,
        state=row.payout_type,
    )
