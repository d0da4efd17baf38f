"""Taking what was held. The amount is always said: left out, all of the hold would be taken.

Source: README, "Captures, cancels, refunds".
"""

from typing import Final

from providers.connector import Attempt, Request
from providers.notices import named
from providers.outcome import Finding, Outcome, ProviderState, Sighting, UnusableAnswer
from providers.payments.stripe.amounts import from_wire, to_wire
from providers.payments.stripe.errors import raise_error, refusal
from providers.payments.stripe.intent import KIND, PATH, TEMPLATE, amount_of, contradiction, intent_of
from providers.payments.stripe.wire import IntentFields, IntentReply, get, post, segment
from schemas.payments import CapturePayment, Reason
from schemas.verdicts import FailureClass, Verdict

CAPTURE: Final = "kolaj_capture"
"""The name in the intent's metadata under which the capture's own reference stands."""
_OPEN: Final = frozenset({"requires_capture", "requires_action", "requires_confirmation", "requires_payment_method"})


def build_capture(_command: CapturePayment, attempt: Attempt) -> Request:
    fields = {
        "amount_to_capture": to_wire(amount_of(attempt, attempt.payment.held)),
        f"metadata[{CAPTURE}]": attempt.reference,
    }
    path = f"{PATH}/{segment(intent_of(attempt))}/capture"
    return post(path, f"{TEMPLATE}/capture", fields, attempt.reference)


def read_capture(reply: IntentReply, _command: CapturePayment, attempt: Attempt) -> Outcome:
    if reply.error is not None:
        outcome = refusal(reply.error, reply.http, intent_of(attempt))
        ended = reply.error.payment_intent
        if ended is not None and ended.status == "succeeded":
            # Perhaps an earlier send of ours took it, under a key that Stripe has forgotten.
            raise UnusableAnswer("it has been captured; ask by whom", their_code=reply.error.word)
        return outcome
    reply.require(KIND, intent_of(attempt))
    match reply.status:
        case "succeeded":
            return _captured(reply)
        case "processing":
            return Outcome(
                verdict=Verdict.PENDING,
                reference=reply.id,
                reason=Reason.UNDER_REVIEW,
                detail="Stripe has taken it and not decided; its webhook or a query tells",
                state=ProviderState.PENDING,
            )
        case _:
            raise UnusableAnswer("status after a capture is neither succeeded nor processing")


def build_inquiry(_command: CapturePayment, attempt: Attempt) -> Request:
    return ask(attempt)


def ask(attempt: Attempt) -> Request:
    return get(f"{PATH}/{segment(intent_of(attempt))}", TEMPLATE)


def read_inquiry(reply: IntentReply, _command: CapturePayment, attempt: Attempt) -> Finding:
    """A capture is seen by its own reference in the intent's metadata: somebody else's is not taken for it."""
    raise_error(reply)
    reply.require(KIND, intent_of(attempt))
    match reply.status:
        case "succeeded" if named((reply.metadata or {}).get(CAPTURE)) == attempt.reference:
            return Finding(Sighting.CONCLUDED, _captured(reply))
        case "succeeded":
            return Finding(Sighting.CONCLUDED, contradiction(_captured(reply), "it was captured without this command"))
        case "canceled":
            return _over(reply, "the hold was cancelled, or lapsed; nothing can be taken any more")
        case "processing":
            return Finding(Sighting.RUNNING)
        case status if status in _OPEN:
            return Finding(Sighting.ABSENT)
        case _:
            raise UnusableAnswer("status is missing or a word that Stripe's documents do not have")


def _captured(intent: IntentFields) -> Outcome:
    return Outcome(
        verdict=Verdict.ACCEPTED,
        reference=intent.id,
        amount=from_wire(intent.amount_received, intent.currency, "amount_received"),
        state=ProviderState.CAPTURED,
    )


def _over(intent: IntentFields, detail: str) -> Finding:
    refused = Outcome(
        verdict=Verdict.REFUSED,
        reference=intent.id,
        reason=Reason.NOT_AUTHORIZED,
        failure=FailureClass.STATE,
        detail=detail,
        their_code=intent.status,
    )
    return Finding(Sighting.CONCLUDED, refused)
