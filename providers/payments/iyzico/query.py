"""How a payment stands, for `QueryPayment`."""

from dataclasses import replace

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Outcome, ProviderState
from providers.payments.iyzico.detail import Standing, ask_by_id, ask_by_reference, standing_of
from providers.payments.iyzico.wire import PaymentReply
from schemas.payments import QueryPayment, Reason
from schemas.verdicts import Verdict


def build_query(_command: QueryPayment, attempt: Attempt) -> Request:
    """By iyzico's id where it is known; after a creation without an answer only our own reference is."""
    payment = attempt.payment
    if payment.provider_reference is not None:
        return ask_by_id(payment.provider_reference, attempt)
    if payment.create_reference is not None:
        return ask_by_reference(payment.create_reference, attempt)
    raise Unsayable(Reason.PAYMENT_NOT_FOUND, "nothing was ever sent for the payment; create it first")


def read_query(reply: PaymentReply, _command: QueryPayment, _attempt: Attempt) -> Outcome:
    """The query itself is accepted, whatever it finds; how the payment stands is in `state`."""
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
