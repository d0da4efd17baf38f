"""How a payment stands, for `QueryPayment`: by iyzico's id, by the token of its page, or by our reference."""

from dataclasses import replace
from typing import Final

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Outcome, ProviderState, UnusableAnswer
from providers.payments.iyzico.detail import PAGE_NOT_KNOWN, Standing, ask_by_id, ask_by_reference, standing_of
from providers.payments.iyzico.known import page_token_of
from providers.payments.iyzico.page_time import is_over
from providers.payments.iyzico.wire import StandingReply, post
from schemas.money import Money
from schemas.payments import CreatePayment, Payment, QueryPayment, Reason
from schemas.verdicts import Verdict

_PAGE: Final = "/payment/iyzipos/checkoutform/auth/ecom/detail"


def build_query(_command: QueryPayment, attempt: Attempt) -> Request:
    """After a creation without an answer only our own reference is known."""
    payment = attempt.payment
    token = page_token_of(payment)
    if token is not None:
        return post(_PAGE, {"conversationId": attempt.reference, "token": token})
    if payment.provider_reference is not None:
        return ask_by_id(payment.provider_reference, attempt)
    if payment.create_reference is not None:
        return ask_by_reference(payment.create_reference, attempt)
    raise Unsayable(Reason.PAYMENT_NOT_FOUND, "nothing was ever sent for the payment; create it first")


def read_query(reply: StandingReply, _command: QueryPayment, attempt: Attempt) -> Outcome:
    """The query itself is accepted, whatever it finds; how the payment stands is in `state`."""
    token = page_token_of(attempt.payment)
    if token is None:
        return _found(reply)
    if reply.token not in {None, token}:
        raise UnusableAnswer("token is not the one that was asked about")
    return _on_page(reply, attempt.payment)


def _found(reply: StandingReply) -> Outcome:
    standing, outcome = standing_of(reply)
    match standing:
        case Standing.ABSENT:
            return Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.NOT_FOUND, their_code=reply.error_code)
        case Standing.RUNNING:
            return Outcome(verdict=Verdict.ACCEPTED, reference=reply.payment_id, state=ProviderState.PENDING)
        case Standing.ENDED if outcome.verdict is Verdict.UNKNOWN:
            return outcome
        case Standing.ENDED if outcome.state is None:
            raise UnusableAnswer("phase is missing, so that a hold cannot be told from a charge")
        case Standing.ENDED:
            return replace(outcome, verdict=Verdict.ACCEPTED, reason=None, failure=None, detail="")


def _on_page(reply: StandingReply, payment: Payment) -> Outcome:
    """On a page that is open a declined payer tries again: neither a decline nor an absence is the end there."""
    if reply.failed and reply.error_code == PAGE_NOT_KNOWN:
        found = Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.NOT_FOUND, their_code=reply.error_code)
    else:
        found = _found(reply)
    over = is_over(reply.system_time, payment.open_commands, CreatePayment.type)
    if found.state is ProviderState.NOT_FOUND and over:
        return replace(found, state=ProviderState.FAILED)
    if found.state is ProviderState.FAILED and not over:
        return Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.PENDING, their_code=found.their_code)
    return replace(found, surcharge=_surcharge(found, reply.installment, payment))


def _surcharge(found: Outcome, instalments: int | None, payment: Payment) -> Money | None:
    """What the payer took on for instalments on the page; `None` in one part, or where nothing more was paid."""
    asked = None if payment.open_creation is None else payment.open_creation.amount
    paid = found.amount
    if asked is None or paid is None or instalments is None or instalments == 1 or asked.currency != paid.currency:
        return None
    return paid.with_minor(paid.minor - asked.minor) if paid.minor > asked.minor else None
