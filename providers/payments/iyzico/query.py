"""How a payment stands, for `QueryPayment`: by iyzico's id, by the token of its page, or by our reference."""

import re
from dataclasses import replace
from typing import Final

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Outcome, ProviderState, UnusableAnswer
from providers.payments.iyzico.detail import Standing, ask_by_id, ask_by_reference, standing_of
from providers.payments.iyzico.known import page_token_of
from providers.payments.iyzico.wire import StandingReply, post
from schemas.ids import created_at
from schemas.payments import CreatePayment, Payment, QueryPayment, Reason
from schemas.verdicts import Verdict

_PAGE: Final = "/payment/iyzipos/checkoutform/auth/ecom/detail"
_PAGE_NOT_KNOWN: Final = "5124"
_PAGE_OVER_MS: Final = 2 * 60 * 60 * 1000
"""After this time, in milliseconds since it was ordered, a page takes no money any more. It is open for half an hour;
the rest is for an order that had to wait before it was sent."""
_MOMENT: Final = re.compile(r"[0-9]{1,15}")


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
        case Standing.ENDED:
            return replace(outcome, verdict=Verdict.ACCEPTED, reason=None, failure=None, detail="")


def _on_page(reply: StandingReply, payment: Payment) -> Outcome:
    """On a page that is open a declined payer tries again: neither a decline nor an absence is the end there."""
    if reply.failed and reply.error_code == _PAGE_NOT_KNOWN:
        found = Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.NOT_FOUND, their_code=reply.error_code)
    else:
        found = _found(reply)
    if found.state is ProviderState.NOT_FOUND and _is_over(reply, payment):
        return replace(found, state=ProviderState.FAILED)
    if found.state is ProviderState.FAILED and not _is_over(reply, payment):
        return Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.PENDING, their_code=found.their_code)
    return found


def _is_over(reply: StandingReply, payment: Payment) -> bool:
    """Whether nobody can pay on the page any more, by iyzico's clock and the moment in the order's id."""
    ordered = next((known for known in payment.open_commands if known.command_type == CreatePayment.type), None)
    if ordered is None:
        return True  # the hub has settled it
    ordered_at = created_at(ordered.command_id)
    if ordered_at is None or reply.system_time is None or not _MOMENT.fullmatch(reply.system_time):
        return False
    return int(reply.system_time) - int(ordered_at.timestamp() * 1000) > _PAGE_OVER_MS
