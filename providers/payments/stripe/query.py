"""How a payment stands, for `QueryPayment`: the payment intent, or the page that leads to one.

Source: README, "States".
"""

from dataclasses import replace
from typing import Final

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Outcome, ProviderState, UnusableAnswer
from providers.payments.stripe import page
from providers.payments.stripe.amounts import from_wire
from providers.payments.stripe.create import CreatedFields, CreatedList, found_in, listed
from providers.payments.stripe.errors import raise_error
from providers.payments.stripe.intent import KIND, PATH, TEMPLATE, WITH_CHARGE, card_of, kept_card, lapses_at
from providers.payments.stripe.wire import IntentFields, get, segment
from schemas.payments import OpenCommand, QueryPayment, Reason
from schemas.verdicts import Verdict

_IN_FULL: Final = (("expand[0]", "payment_intent.latest_charge"),)
"""The page's intent, with its charge, which tells the card."""


class QueryReply(CreatedFields, CreatedList):
    """An intent, a page with its intent in full, or a list of either."""

    object: str | None = None
    payment_intent: IntentFields | None = None


def build_query(_command: QueryPayment, attempt: Attempt) -> Request:
    """By Stripe's id; without one, among what was made since the creation that has no outcome."""
    reference = attempt.payment.provider_reference
    if reference is None:
        opened = _creation(attempt)
        if opened is None:
            detail = "Stripe's id of the payment is not known; its webhook or a later answer brings it"
            raise Unsayable(Reason.PAYMENT_NOT_FOUND, detail)
        return listed(PATH, opened.command_id)
    if page.is_page(reference):
        return get(f"{page.PATH}/{segment(reference)}", page.TEMPLATE, _IN_FULL)
    return get(f"{PATH}/{segment(reference)}", TEMPLATE, WITH_CHARGE)


def read_query(reply: QueryReply, _command: QueryPayment, attempt: Attempt) -> Outcome:
    """The query itself is accepted, whatever it finds; how the payment stands is in `state`.

    Raises:
        UnusableAnswer: the query failed, the answer is about something else, an amount is missing, or a word was never
            met.
    """
    raise_error(reply)
    reference = attempt.payment.provider_reference
    if reference is None:
        found = found_in(reply, attempt.payment.create_reference or "")
        if found is None:
            raise UnusableAnswer("it is not among the newest payments there, which does not mean that it is not there")
        found.require(KIND)
        return standing(found)
    if page.is_page(reference):
        reply.require(page.KIND, reference)
        return _on_page(reply)
    reply.require(KIND, reference)
    return standing(reply)


def standing(intent: IntentFields) -> Outcome:
    """An intent falls back to `requires_payment_method` after a decline; without an error nobody has tried yet."""
    outcome = Outcome(verdict=Verdict.ACCEPTED, reference=intent.id, card=card_of(intent.latest_charge))
    match intent.status:
        case "succeeded":
            amount = from_wire(intent.amount_received, intent.currency, "amount_received")
            return replace(outcome, state=ProviderState.CAPTURED, amount=amount, stored_card=kept_card(intent))
        case "requires_capture":
            amount = from_wire(intent.amount_capturable, intent.currency, "amount_capturable")
            kept, until = kept_card(intent), lapses_at(intent.latest_charge)
            return replace(outcome, state=ProviderState.AUTHORIZED, amount=amount, stored_card=kept, held_until=until)
        case "requires_payment_method" if intent.last_payment_error is not None:
            return replace(outcome, state=ProviderState.FAILED, their_code=intent.last_payment_error.word)
        case "processing":
            return replace(outcome, state=ProviderState.PENDING, reason=Reason.UNDER_REVIEW)
        case "requires_payment_method" | "requires_confirmation" | "requires_action":
            return replace(outcome, state=ProviderState.PENDING)
        case "canceled":
            return replace(outcome, state=ProviderState.CANCELLED)
        case _:
            raise UnusableAnswer("status is missing or a word that Stripe's documents do not have")


def _on_page(reply: QueryReply) -> Outcome:
    """While the page is open a declined payer may try again; once it is over, what became of the intent stands."""
    told = Outcome(verdict=Verdict.ACCEPTED, reference=reply.id)
    intent = reply.payment_intent
    match reply.status:
        case "open":
            return replace(told, state=ProviderState.PENDING)
        case "expired":
            return replace(told, state=ProviderState.FAILED)
        case "complete" if intent is not None:
            intent.require(KIND)
            return standing(intent)
        case _:
            raise UnusableAnswer("status or payment_intent is missing, or a word that Stripe's documents do not have")


def _creation(attempt: Attempt) -> OpenCommand | None:
    opened = attempt.payment.open_commands
    reference = attempt.payment.create_reference
    return next((known for known in opened if reference is not None and known.reference == reference), None)
