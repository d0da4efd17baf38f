"""Giving money back, all or a part: `/odeme/iade`. PayTR knows a refund twice only by the reference sent with it.

Source: README, "Refund".
"""

from providers.connector import Attempt, Request, Unsayable, Wire
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.paytr.amounts import Amount, from_wire, to_decimal
from providers.payments.paytr.errors import REFUND, refused_by_number
from providers.payments.paytr.known import amount_of, order_number_of
from providers.payments.paytr.returned import returns_of
from providers.payments.paytr.status import StatusReply, ask, require_environment
from providers.payments.paytr.wire import ErrorNumber, Word, post
from schemas.money import Money
from schemas.payments import CancelPayment, Reason, RefundPayment
from schemas.verdicts import Verdict

GivesBack = RefundPayment | CancelPayment


class RefundReply(Wire):
    status: str
    err_no: ErrorNumber | None = None
    merchant_oid: Word | None = None
    return_amount: Amount | None = None
    reference_no: Word | None = None
    is_test: Word | None = None


def build_refund(command: RefundPayment, attempt: Attempt) -> Request:
    if command.line_id is not None:
        raise Unsayable(Reason.UNKNOWN_LINE, "PayTR knows no basket lines; refund the line's amount without line_id")
    return give_back(attempt)


def give_back(attempt: Attempt) -> Request:
    return post(
        "/odeme/iade",
        {
            "merchant_oid": order_number_of(attempt.payment),
            "return_amount": to_decimal(amount_of(attempt)),
            "reference_no": attempt.reference,
        },
    )


def read_refund(reply: RefundReply, _command: GivesBack, attempt: Attempt) -> Outcome:
    """The answer names no currency: it is the payment's.

    Raises:
        UnusableAnswer: it speaks of another order or refund, has no amount, or a word was never met.
    """
    if reply.status in {"error", "failed"}:
        return refused_by_number(REFUND, reply.err_no)
    if reply.status != "success" or reply.err_no is not None:
        raise UnusableAnswer("status is missing or a word that PayTR's documents do not have")
    order = order_number_of(attempt.payment)
    if reply.merchant_oid != order or reply.reference_no not in {None, attempt.reference}:
        raise UnusableAnswer("the answer speaks of another order or another refund")
    require_environment(reply.is_test, attempt.account)
    return Outcome(
        verdict=Verdict.ACCEPTED,
        reference=order,
        amount=from_wire(reply.return_amount, amount_of(attempt).currency, "return_amount"),
    )


def build_inquiry(_command: GivesBack, attempt: Attempt) -> Request:
    return ask(order_number_of(attempt.payment))


def read_inquiry(reply: StatusReply, _command: GivesBack, attempt: Attempt) -> Finding:
    """Found under the reference that was sent with it.

    Raises:
        UnusableAnswer: the order is said not to be paid, so that nothing is told of its refunds.
    """
    if not reply.succeeded:
        raise UnusableAnswer("PayTR knows no successful payment of it", their_code=reply.err_no)
    require_environment(reply.test_mode, attempt.account)
    ours = [one.amount for one in returns_of(reply) if one.reference == attempt.reference]
    if not ours:
        return Finding(Sighting.ABSENT)
    total = Money(minor=sum(amount.minor for amount in ours), currency=ours[0].currency)
    order = order_number_of(attempt.payment)
    return Finding(Sighting.CONCLUDED, Outcome(verdict=Verdict.ACCEPTED, reference=order, amount=total))
