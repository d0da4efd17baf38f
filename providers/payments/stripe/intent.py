"""A payment intent as an outcome: what creation, completion, capture and look-up answer with.

Source: README, "States", "3-D Secure".
"""

from dataclasses import replace
from datetime import datetime
from typing import Final, Literal

from pydantic import ValidationError

from providers.connector import Attempt, Unsayable
from providers.outcome import Outcome, ProviderState, UnusableAnswer
from providers.payments.stripe.amounts import from_wire
from providers.payments.stripe.errors import refusal
from providers.payments.stripe.moments import moment
from providers.payments.stripe.wire import Http, IntentFields, at, id_of, text_at
from schemas.money import Money
from schemas.payments import CardSummary, KeptCard, Reason, Redirect
from schemas.verdicts import FailureClass, Verdict

PATH: Final = "/v1/payment_intents"
TEMPLATE: Final = "/v1/payment_intents/{payment_intent}"
KIND: Final = "payment_intent"
WITH_CHARGE: Final = (("expand[0]", "latest_charge"),)
"""The charge in full, which tells the card."""
NOT_BEGUN: Final = frozenset({"requires_payment_method", "requires_confirmation"})
_DIGITS: Final = 4


def intent_of(attempt: Attempt) -> str:
    """The payment intent's id.

    Raises:
        Unsayable: it is not known.
    """
    reference = attempt.payment.provider_reference
    if reference is None:
        detail = "Stripe's id of the payment is not known; its webhook or a query brings it"
        raise Unsayable(Reason.PAYMENT_NOT_FOUND, detail)
    return reference


def amount_of(attempt: Attempt, minor: int) -> Money:
    """What is to be moved: as the hub worked it out, else `minor` of the payment's currency.

    Raises:
        Unsayable: the payment's currency is not known.
    """
    if attempt.amount is not None:
        return attempt.amount
    if attempt.payment.currency is None:
        raise Unsayable(Reason.PAYMENT_NOT_FOUND, "the payment's currency is not known; query it first")
    return Money(minor=minor, currency=attempt.payment.currency)


def decided(intent: IntentFields, http: Http, capture: Literal["auto", "manual"]) -> Outcome:
    """What became of a payment that was confirmed.

    Raises:
        UnusableAnswer: nobody has confirmed it, an amount is missing, or a word was never met.
    """
    facts = Outcome(verdict=Verdict.ACCEPTED, reference=intent.id, card=card_of(intent.latest_charge))
    whole = from_wire(intent.amount, intent.currency, "amount")
    match intent.status:
        case "succeeded":
            amount = from_wire(intent.amount_received, intent.currency, "amount_received")
            taken = replace(facts, state=ProviderState.CAPTURED, amount=amount)
            return taken if capture == "auto" else contradiction(taken, "a hold was asked for and a charge was made")
        case "requires_capture":
            amount = from_wire(intent.amount_capturable, intent.currency, "amount_capturable")
            until = lapses_at(intent.latest_charge)
            held = replace(facts, state=ProviderState.AUTHORIZED, amount=amount, held_until=until)
            return held if capture == "manual" else contradiction(held, "a charge was asked for and a hold was made")
        case "processing":
            detail = "Stripe has taken it and not decided; its webhook or a query tells"
            return _waiting(replace(facts, amount=whole, reason=Reason.UNDER_REVIEW, detail=detail))
        case "requires_action":
            return _waiting(_asking_payer(replace(facts, amount=whole), intent))
        case "requires_payment_method" if intent.last_payment_error is not None:
            return refusal(intent.last_payment_error, http.model_copy(update={"should_retry": None}), intent.id)
        case "canceled":
            return Outcome(
                verdict=Verdict.REFUSED,
                reference=intent.id,
                reason=Reason.INVALID_STATE,
                failure=FailureClass.STATE,
                detail="it was cancelled at Stripe, or lapsed there; nothing is taken or held",
                their_code="canceled",
            )
        case _:
            raise UnusableAnswer(
                "nobody confirmed the payment, or status is a word that Stripe's documents do not have"
            )


def contradiction(facts: Outcome, detail: str) -> Outcome:
    """What was found is neither what was asked for nor nothing."""
    return replace(
        facts,
        verdict=Verdict.UNKNOWN,
        reason=Reason.OUTCOME_UNKNOWN,
        failure=FailureClass.UNKNOWN,
        detail=f"{detail}; a person has to settle it in Stripe's dashboard",
    )


def as_expected(outcome: Outcome, expected: Money | None) -> Outcome:
    """The outcome of a question about money, whose amount nobody else compares."""
    if expected is None or outcome.amount is None or outcome.verdict is not Verdict.ACCEPTED:
        return outcome
    if (outcome.amount.minor, outcome.amount.currency) == (expected.minor, expected.currency):
        return outcome
    return contradiction(outcome, f"{expected} were asked for and Stripe says {outcome.amount}")


def card_of(charge: object) -> CardSummary | None:
    """The card of a charge that was told in full."""
    return summary(at(charge, "payment_method_details", "card"))


def lapses_at(charge: object) -> datetime | None:
    """Until when a hold can be captured, where the charge was told in full and says so."""
    told = at(charge, "payment_method_details", "card", "capture_before")
    return moment(told) if isinstance(told, int) and not isinstance(told, bool) else None


def summary(card: object) -> CardSummary | None:
    """What a card object says of the card; `None` where there is none."""
    if not isinstance(card, dict):
        return None
    last_four = text_at(card, "last4") or ""
    return CardSummary(
        association=text_at(card, "brand"),
        card_type=text_at(card, "funding"),
        last_four=last_four if len(last_four) == _DIGITS and last_four.isascii() and last_four.isdigit() else None,
    )


def kept_card(intent: IntentFields) -> KeptCard | None:
    """The card that Stripe keeps for a customer from now on, where that was asked for."""
    token, customer = id_of(intent.payment_method), id_of(intent.customer)
    if intent.setup_future_usage is None or token is None or customer is None:
        return None
    return KeptCard(card_token=token, customer_key=customer, card=card_of(intent.latest_charge))


def redirect_to(url: str | None) -> Redirect:
    """Raises: UnusableAnswer: the address is none that a browser should be sent to."""
    try:
        return Redirect.model_validate({"url": url})
    except ValidationError:
        raise UnusableAnswer("the page's address is missing, or none that a browser should be sent to") from None


def _waiting(outcome: Outcome) -> Outcome:
    return replace(outcome, verdict=Verdict.PENDING, state=ProviderState.PENDING)


def _asking_payer(facts: Outcome, intent: IntentFields) -> Outcome:
    """`use_stripe_sdk` wants Stripe's script and the intent's secret in the browser, which the hub hands to nobody."""
    action = intent.next_action
    match None if action is None else action.type:
        case "redirect_to_url" if action is not None and action.redirect_to_url is not None:
            page = redirect_to(action.redirect_to_url.url)
            detail = "send the payer to the bank's page"
            return replace(facts, reason=Reason.ACTION_REQUIRED, detail=detail, redirect_url=page.url, next_action=page)
        case "use_stripe_sdk":
            detail = "the bank wants to ask the payer, and no page leads there; cancel it, and start 3-D Secure"
            return replace(facts, reason=Reason.ACTION_REQUIRED, detail=detail)
        case _:
            raise UnusableAnswer("next_action is missing, or one that the hub has no words for")
