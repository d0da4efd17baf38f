"""Keeping a card without a payment, by the token that Stripe's script made of it.

For a buyer whom Stripe does not know a customer is made with the card. It is known there by our reference alone: no
name, no e-mail. To a customer who is there the card is added by a setup intent, which asks its bank.

Source: README, "Stored cards".
"""

from collections.abc import Mapping
from typing import Any, Final

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.stripe.create import listed
from providers.payments.stripe.errors import raise_error, refusal
from providers.payments.stripe.intent import summary
from providers.payments.stripe.wire import REFERENCE, Failure, Fields, Reply, at, id_of, post, the_one
from schemas.payments import KeptCard, Reason
from schemas.payments.resources import StoreCard
from schemas.verdicts import FailureClass, Verdict

_CUSTOMERS: Final = "/v1/customers"
_SETUPS: Final = "/v1/setup_intents"
_SHARED: Final = "pm_card_"
"""Test cards that all accounts share. Stripe keeps a copy of one, under an id of its own."""
_LAST_YEAR, _LAST_MONTH = 9999, 12


class StoringFields(Fields):
    """A customer with the card that was given to it, or a setup intent with its card, each told in full."""

    invoice_settings: Any = None
    customer: Any = None
    payment_method: Any = None
    status: str | None = None
    last_setup_error: Failure | None = None


class StoringReply(StoringFields, Reply):
    """One of the two, or an error in its place."""


class StoringList(Reply):
    """Customers or setup intents, the newest first."""

    object: str | None = None
    data: tuple[StoringFields, ...] | None = None


def build_store(command: StoreCard, attempt: Attempt) -> Request:
    token = command.provider_token
    if token is None:
        detail = "Stripe takes no card numbers from here; send the token that its script made, as provider_token"
        raise Unsayable(Reason.UNSUPPORTED_METHOD, detail)
    if command.alias is not None:
        raise Unsayable(Reason.INVALID_REQUEST, "Stripe keeps no alias of a card; send none")
    ours: Mapping[str, str | None] = {"payment_method": token, f"metadata[{REFERENCE}]": attempt.reference}
    if command.customer_key is None:
        # Its default card is the one way in which an answer about a customer tells a card.
        fields = {**ours, "invoice_settings[default_payment_method]": token}
        expand = {"expand[0]": "invoice_settings.default_payment_method"}
        return post(_CUSTOMERS, _CUSTOMERS, {**fields, **expand}, attempt.reference)
    how = {
        "customer": command.customer_key,
        "confirm": "true",
        "usage": "off_session",
        # There is no way back from a redirect here: where the bank wants to ask, it is refused instead.
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
        "expand[0]": "payment_method",
    }
    return post(_SETUPS, _SETUPS, {**ours, **how}, attempt.reference)


def read_store(reply: StoringReply, command: StoreCard, attempt: Attempt) -> Outcome:
    """Raises `UnusableAnswer` where it is not what was sent, or nobody has decided."""
    if reply.error is not None:
        return refusal(reply.error, reply.http)
    found = _found(reply, reply, command, attempt)
    if found is None:
        raise UnusableAnswer("status is missing, or says that Stripe has not decided")
    return found


def build_store_inquiry(command: StoreCard, attempt: Attempt) -> Request:
    if command.customer_key is None:
        return listed(_CUSTOMERS, attempt.command_id, expand="data.invoice_settings.default_payment_method")
    return listed(_SETUPS, attempt.command_id, command.customer_key, expand="data.payment_method")


def read_store_inquiry(reply: StoringList, command: StoreCard, attempt: Attempt) -> Finding:
    raise_error(reply)
    if reply.object != "list" or reply.data is None:
        raise UnusableAnswer("the answer is no list")
    ours = the_one(reply.data, attempt.reference)
    if ours is None:
        return Finding(Sighting.ABSENT)
    found = _found(ours, reply, command, attempt)
    return Finding(Sighting.RUNNING) if found is None else Finding(Sighting.CONCLUDED, found)


def _found(stored: StoringFields, reply: Reply, command: StoreCard, attempt: Attempt) -> Outcome | None:
    if command.customer_key is None:
        customer = stored.require("customer")
        stored.require_echo(attempt.reference)
        return _kept(at(stored.invoice_settings, "default_payment_method"), customer, command)
    stored.require("setup_intent")
    stored.require_echo(attempt.reference)
    if id_of(stored.customer) != command.customer_key:
        raise UnusableAnswer("the setup intent is another customer's")
    match stored.status:
        case "succeeded":
            return _kept(stored.payment_method, command.customer_key, command)
        case "requires_action":
            return Outcome(
                verdict=Verdict.REFUSED,
                reason=Reason.AUTHENTICATION_REQUIRED,
                failure=FailureClass.DECLINED,
                detail="the bank wants to ask the payer, who is not there; keep the card with a payment instead",
                their_code="requires_action",
            )
        case "requires_payment_method" if stored.last_setup_error is not None:
            return refusal(stored.last_setup_error, reply.http.model_copy(update={"should_retry": None}))
        case _:
            return None


def _kept(method: Any, customer: str, command: StoreCard) -> Outcome:
    token, sent = id_of(method), command.provider_token or ""
    if token is None or (token != sent and not sent.startswith(_SHARED)):
        raise UnusableAnswer("the card that is kept is not the one that was sent")
    card = at(method, "card")
    kept = KeptCard(
        card_token=token, customer_key=customer, card=summary(card), expiry=_expiry(card), code_needed=False
    )
    return Outcome(verdict=Verdict.ACCEPTED, reference=token, details=kept)


def _expiry(card: Any) -> str | None:
    year, month = at(card, "exp_year"), at(card, "exp_month")
    if type(year) is not int or type(month) is not int:  # a bool is none
        return None
    if not (0 < year <= _LAST_YEAR and 0 < month <= _LAST_MONTH):
        return None
    return f"{year:04}-{month:02}"
