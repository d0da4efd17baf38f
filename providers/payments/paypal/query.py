"""How a payment stands, for `QueryPayment`: its order, by PayPal's id. Our reference finds nothing there."""

from dataclasses import replace

from providers.connector import Attempt
from providers.outcome import Outcome, ProviderState, UnusableAnswer
from providers.payments.paypal.errors import is_absent, not_answered
from providers.payments.paypal.order import WAITING, OrderReply, performed, require_order
from providers.payments.paypal.settings import PaypalSettings
from schemas.payments import QueryPayment
from schemas.verdicts import Verdict


def read_query(reply: OrderReply, _command: QueryPayment, attempt: Attempt) -> Outcome:
    """The query itself is accepted, whatever it finds; how the payment stands is in `state`.

    A decline is the end of an order that is completed. In one that is open the payer may choose another way to pay.

    Raises:
        UnusableAnswer: the query failed, the answer is about something else, or a word was never met.
    """
    if is_absent(reply):
        return Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.NOT_FOUND, their_code=reply.word)
    if reply.failed:
        raise not_answered(reply)
    require_order(reply, attempt)
    found = performed(reply) if reply.status == "COMPLETED" else None
    if found is not None:
        undecided = found.reason if found.verdict is Verdict.PENDING else None
        return replace(found, verdict=Verdict.ACCEPTED, reason=undecided, failure=None, detail="", their_code=None)
    standing = Outcome(verdict=Verdict.ACCEPTED, reference=reply.id)
    if reply.status in WAITING:
        agreed, settings = reply.status == "APPROVED", attempt.account.settings
        by_hub = isinstance(settings, PaypalSettings) and settings.complete_when_approved
        waiting = replace(standing, state=ProviderState.PENDING)
        return replace(waiting, payer_agreed=agreed, to_be_completed=agreed and by_hub)
    if reply.status == "VOIDED":
        return replace(standing, state=ProviderState.CANCELLED)
    raise UnusableAnswer("status is missing, or does not fit an order without a capture and an authorization")
