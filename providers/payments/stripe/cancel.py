"""Lifting a hold, giving back what is left of a payment, or closing a page that nobody has paid on yet.

Source: README, "Captures, cancels, refunds".
"""

from typing import Final

from providers.connector import Attempt, Request
from providers.outcome import Finding, Outcome, ProviderState, Sighting, UnusableAnswer
from providers.payments.stripe import capture, page, refund
from providers.payments.stripe.amounts import from_wire
from providers.payments.stripe.errors import raise_error, refusal
from providers.payments.stripe.intent import KIND, PATH, TEMPLATE, amount_of, intent_of
from providers.payments.stripe.page import SessionFields
from providers.payments.stripe.refund import RefundFields
from providers.payments.stripe.wire import IntentFields, Reply, get, post, segment
from schemas.payments import CancelPayment, Reason
from schemas.verdicts import FailureClass, Verdict

_ABANDONED: Final = "abandoned"
"""The one reason of theirs that refunds do not have."""


class CancelReply(RefundFields, SessionFields, IntentFields, Reply):
    """An intent, a refund or a page: whichever the cancel was one of."""


class CancelledList(CancelReply):
    """The same, or the payment's refunds."""

    data: tuple[RefundFields, ...] | None = None


def build_cancel(command: CancelPayment, attempt: Attempt) -> Request:
    if attempt.payment.captured:
        return refund.by_amount(attempt, command.reason)
    reference = intent_of(attempt)
    if page.is_page(reference):
        return post(f"{page.PATH}/{segment(reference)}/expire", f"{page.TEMPLATE}/expire", {}, attempt.reference)
    reason = command.reason if command.reason == _ABANDONED else refund.reason_of(command.reason)
    fields = {"cancellation_reason": reason}
    return post(f"{PATH}/{segment(reference)}/cancel", f"{TEMPLATE}/cancel", fields, attempt.reference)


def read_cancel(reply: CancelReply, _command: CancelPayment, attempt: Attempt) -> Outcome:
    if reply.error is not None:
        outcome = refusal(reply.error, reply.http, intent_of(attempt))
        ended = reply.error.payment_intent
        if ended is not None and ended.status == "canceled":
            raise UnusableAnswer("it is cancelled already; ask", their_code=reply.error.word)
        return outcome
    if attempt.payment.captured:
        return refund.given_back(reply, attempt)
    released = _released(reply, attempt)
    if released is None:
        raise UnusableAnswer("status after a cancel is not that of a payment that is over")
    return released


def build_inquiry(_command: CancelPayment, attempt: Attempt) -> Request:
    if attempt.payment.captured:
        return refund.ask(attempt)
    reference = intent_of(attempt)
    if page.is_page(reference):
        return get(f"{page.PATH}/{segment(reference)}", page.TEMPLATE)
    return capture.ask(attempt)


def read_inquiry(reply: CancelledList, _command: CancelPayment, attempt: Attempt) -> Finding:
    """What is over is over, whoever ended it; a hold that became a charge cannot be lifted any more."""
    if attempt.payment.captured:
        return refund.sighted(reply.object, reply.data, reply, attempt)
    raise_error(reply)
    released = _released(reply, attempt)
    if released is not None:
        return Finding(Sighting.CONCLUDED, released)
    match reply.status:
        case "succeeded" | "complete":
            refused = Outcome(
                verdict=Verdict.REFUSED,
                reference=reply.id,
                reason=Reason.INVALID_STATE,
                failure=FailureClass.STATE,
                detail="it was paid meanwhile; query the payment, and cancel it again to give the money back",
                their_code=reply.status,
            )
            return Finding(Sighting.CONCLUDED, refused)
        case "processing":
            return Finding(Sighting.RUNNING)
        case "open" | "requires_capture" | "requires_action" | "requires_confirmation" | "requires_payment_method":
            return Finding(Sighting.ABSENT)
        case _:
            raise UnusableAnswer("status is missing or a word that Stripe's documents do not have")


def _released(reply: CancelReply, attempt: Attempt) -> Outcome | None:
    """The accepted outcome where nothing can be taken any more; `None` where something can.

    Raises:
        UnusableAnswer: it is something else than what was asked about.
    """
    reference = intent_of(attempt)
    kind, over = (page.KIND, "expired") if page.is_page(reference) else (KIND, "canceled")
    reply.require(kind, reference)
    if reply.status != over:
        return None
    # Of a payment that waited for its payer nothing was held: the intent's amount is what would have been taken.
    held = attempt.payment.held
    amount = from_wire(reply.amount, reply.currency, "amount") if held else amount_of(attempt, 0)
    return Outcome(verdict=Verdict.ACCEPTED, reference=reference, amount=amount, state=ProviderState.CANCELLED)
