"""How a payment stands, for `QueryPayment`.

Source: README, "Status".
"""

from dataclasses import replace

from providers.connector import Attempt, Request
from providers.outcome import Outcome, ProviderState
from providers.payments.paytr.known import order_number_of
from providers.payments.paytr.returned import returns_of
from providers.payments.paytr.status import StatusReply, ask, paid
from schemas.payments import QueryPayment
from schemas.verdicts import Verdict


def build_query(_command: QueryPayment, attempt: Attempt) -> Request:
    return ask(order_number_of(attempt.payment))


def read_query(reply: StatusReply, _command: QueryPayment, attempt: Attempt) -> Outcome:
    """The query itself is accepted, whatever it finds; how the payment stands is in `state`.

    004 is said of what failed, runs, was left or was never seen, so that it settles nothing. What was given back is
    told beside a payment that stays captured: it is another movement.

    Raises:
        UnusableAnswer: the query failed, an amount is missing, or a word was never met.
    """
    if not reply.succeeded:
        return Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.NOT_FOUND, their_code=reply.err_no)
    outcome = paid(reply, order_number_of(attempt.payment), attempt.account)
    back = returns_of(reply)
    if not back or outcome.amount is None:
        return outcome
    total = outcome.amount.with_minor(sum(one.amount.minor for one in back))
    return replace(outcome, detail=f"PayTR has given {total} of it back")
