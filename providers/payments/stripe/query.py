"""How a payment stands, for `QueryPayment`: the payment intent, by Stripe's id.

Source: README, "States".
"""

from dataclasses import replace
from typing import Final
from urllib.parse import quote

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Outcome, ProviderState, UnusableAnswer
from providers.payments.stripe.amounts import from_wire
from providers.payments.stripe.wire import Failure, IntentReply, get
from schemas.payments import QueryPayment, Reason
from schemas.verdicts import FailureClass, Verdict

_TEMPLATE: Final = "/v1/payment_intents/{payment_intent}"


def build_query(_command: QueryPayment, attempt: Attempt) -> Request:
    """By Stripe's id. Its search by our reference lags behind by a minute or more, and would prove nothing."""
    reference = attempt.payment.provider_reference
    if reference is None:
        raise Unsayable(
            Reason.PAYMENT_NOT_FOUND, "Stripe's id of the payment is not known; its webhook or a later answer brings it"
        )
    return get(f"/v1/payment_intents/{quote(reference, safe='')}", _TEMPLATE)


def read_query(reply: IntentReply, _command: QueryPayment, attempt: Attempt) -> Outcome:
    """The query itself is accepted, whatever it finds; how the payment stands is in `state`.

    An intent falls back to `requires_payment_method` after a decline. Without an error beside it nobody has tried yet.

    Raises:
        UnusableAnswer: the query failed, the answer is about something else, an amount is missing, or a word was never
            met.
    """
    if reply.error is not None:
        raise _not_answered(reply.error)
    if reply.object != "payment_intent" or reply.id != attempt.payment.provider_reference:
        raise UnusableAnswer("the answer is not the payment intent that was asked for")
    outcome = Outcome(verdict=Verdict.ACCEPTED, reference=reply.id)
    match reply.status:
        case "succeeded":
            amount = from_wire(reply.amount_received, reply.currency, "amount_received")
            return replace(outcome, state=ProviderState.CAPTURED, amount=amount)
        case "requires_capture":
            amount = from_wire(reply.amount_capturable, reply.currency, "amount_capturable")
            return replace(outcome, state=ProviderState.AUTHORIZED, amount=amount)
        case "requires_payment_method" if reply.last_payment_error is not None:
            return replace(outcome, state=ProviderState.FAILED, their_code=reply.last_payment_error.word)
        case "requires_payment_method" | "requires_confirmation" | "requires_action" | "processing":
            return replace(outcome, state=ProviderState.PENDING)
        case "canceled":
            return replace(outcome, state=ProviderState.CANCELLED)
        case _:
            raise UnusableAnswer("status is missing or a word that Stripe's documents do not have")


def _not_answered(error: Failure) -> UnusableAnswer:
    """A failed look-up says nothing about the payment. An id that is not known is one of another account or mode."""
    throttled = error.code in {"rate_limit", "lock_timeout"}
    return UnusableAnswer(
        "Stripe did not answer the query",
        their_code=error.word,
        failure=FailureClass.THROTTLED if throttled else FailureClass.UNKNOWN,
    )
