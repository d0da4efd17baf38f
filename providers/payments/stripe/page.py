"""Stripe's own page, where the payer enters the card: a Checkout Session. The intent is made once the payer pays.

Source: README, "Hosted page".
"""

from typing import Any, Final

from pydantic import StrictInt

from providers.connector import Attempt, Request
from providers.outcome import Finding, Outcome, ProviderState, Sighting, UnusableAnswer
from providers.payments.stripe.amounts import currency_to_wire, from_wire, to_wire
from providers.payments.stripe.intent import redirect_to
from providers.payments.stripe.order import customer_of, require_plain
from providers.payments.stripe.wire import REFERENCE, Fields, post
from schemas.payments import CreatePayment, HostedPage, Reason
from schemas.verdicts import FailureClass, Verdict

PATH: Final = "/v1/checkout/sessions"
TEMPLATE: Final = "/v1/checkout/sessions/{session}"
KIND: Final = "checkout.session"
LIFE_S: Final = 24 * 3600.0
"""How long a page is open where nothing else is asked for; until then it can be paid."""
_PREFIX: Final = "cs_"

_NOBODY_PAID: Final = Outcome(
    verdict=Verdict.REFUSED,
    reason=Reason.EXPIRED,
    failure=FailureClass.STATE,
    detail="nobody paid on the page while it was open; make a new one",
    their_code="expired",
)


class SessionFields(Fields):
    """A Checkout Session. `payment_intent` and `subscription` are ids, or told in full where that was asked for."""

    status: str | None = None
    mode: str | None = None
    url: str | None = None
    currency: str | None = None
    amount_total: StrictInt | None = None
    customer: Any = None
    subscription: Any = None


def is_paid_there(command: CreatePayment) -> bool:
    return isinstance(command.method, HostedPage)


def is_page(reference: str) -> bool:
    """Whether a payment is known by its page alone: nobody has paid there yet, as far as is known here."""
    return reference.startswith(_PREFIX)


def build_page(command: CreatePayment, attempt: Attempt) -> Request:
    """The payer comes back to one address, paid or not: what came of it, Stripe is asked."""
    require_plain(command)
    method = command.method
    if not isinstance(method, HostedPage):
        raise TypeError("only a hosted page is paid there")
    amount = attempt.amount or command.paid_price
    customer = customer_of(command)
    fields = {
        "mode": "payment",
        "success_url": method.return_url,
        "cancel_url": method.return_url,
        "client_reference_id": attempt.reference,
        "customer": customer,
        "customer_creation": "always" if command.store_card and customer is None else None,
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": currency_to_wire(amount),
        "line_items[0][price_data][unit_amount]": to_wire(amount),
        "line_items[0][price_data][product_data][name]": command.order_id,
        "payment_intent_data[capture_method]": "manual" if command.capture == "manual" else "automatic_async",
        "payment_intent_data[setup_future_usage]": "off_session" if command.store_card else None,
        f"payment_intent_data[metadata][{REFERENCE}]": attempt.reference,
        "payment_intent_data[metadata][order_id]": command.order_id,
        f"metadata[{REFERENCE}]": attempt.reference,
    }
    return post(PATH, PATH, fields, attempt.reference)


def sent_to_page(session: SessionFields) -> Outcome:
    """Raises: UnusableAnswer: the page is not open, or has no address."""
    if session.status != "open":
        raise UnusableAnswer("status of a page that was just made is not open")
    page = redirect_to(session.url)
    return Outcome(
        verdict=Verdict.PENDING,
        reference=session.id,
        amount=from_wire(session.amount_total, session.currency, "amount_total"),
        reason=Reason.ACTION_REQUIRED,
        detail="send the payer to the page",
        redirect_url=page.url,
        next_action=page,
        state=ProviderState.PENDING,
    )


def begun(session: SessionFields) -> Finding:
    """What an inquiry makes of a page that was found.

    Raises:
        UnusableAnswer: its status was never met.
    """
    match session.status:
        case "open":
            return Finding(Sighting.CONCLUDED, sent_to_page(session))
        case "complete":
            # The payer has been there: the page is known again by its id, and a query tells the rest.
            amount = from_wire(session.amount_total, session.currency, "amount_total")
            detail = "the payer has been on the page; query the payment"
            outcome = Outcome(
                verdict=Verdict.PENDING,
                reference=session.id,
                amount=amount,
                reason=Reason.UNDER_REVIEW,
                detail=detail,
                state=ProviderState.PENDING,
            )
            return Finding(Sighting.CONCLUDED, outcome)
        case "expired":
            return Finding(Sighting.CONCLUDED, _NOBODY_PAID)
        case _:
            raise UnusableAnswer("status is missing or a word that Stripe's documents do not have")
