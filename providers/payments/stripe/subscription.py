"""A subscription as Stripe tells it.

Source: README, "Subscriptions".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic import StrictBool, StrictInt

from providers.connector import Attempt, Unsayable
from providers.outcome import Outcome, UnusableAnswer
from providers.payments.stripe.amounts import from_wire
from providers.payments.stripe.moments import moment
from providers.payments.stripe.page import is_page
from providers.payments.stripe.wire import Fields, Reply, at, id_of
from schemas.payments import Reason
from schemas.payments.resources import SubscriptionCharge, SubscriptionDetails
from schemas.payments.resources.subscriptions import SubscriptionState
from schemas.verdicts import Verdict

PATH: Final = "/v1/subscriptions"
TEMPLATE: Final = "/v1/subscriptions/{subscription}"
KIND: Final = "subscription"
EXPANDED: Final = (("expand[0]", "latest_invoice.payments"),)

STATES: Final[Mapping[str, SubscriptionState]] = MappingProxyType(
    {
        "active": "active",
        "trialing": "active",
        "incomplete": "pending",
        "incomplete_expired": "expired",
        "past_due": "unpaid",
        "unpaid": "unpaid",
        "paused": "unpaid",
        "canceled": "cancelled",
    }
)
ChargeState = Literal["waiting", "paid", "failed"]


class InvoiceFields(Fields):
    status: str | None = None
    amount_due: StrictInt | None = None
    currency: str | None = None
    attempted: StrictBool | None = None
    period_start: StrictInt | None = None
    payments: Any = None


class SubscriptionFields(Fields):
    status: str | None = None
    customer: Any = None
    items: Any = None
    start_date: StrictInt | None = None
    trial_end: StrictInt | None = None
    latest_invoice: InvoiceFields | str | None = None


class SubscriptionReply(SubscriptionFields, Reply):
    """A subscription, or an error in its place."""


def reference_of(attempt: Attempt) -> str:
    """Stripe's name of it, or of the page that leads to it.

    Raises:
        Unsayable: it is not known.
    """
    known = None if attempt.resource is None else attempt.resource.provider_reference
    if known is None:
        raise Unsayable(Reason.INVALID_STATE, "Stripe's name of it is not known; create it first, or query it")
    return known


def subscription_of(attempt: Attempt) -> str:
    """The subscription's id.

    Raises:
        Unsayable: it is not known, or the buyer has not finished the page.
    """
    reference = reference_of(attempt)
    if is_page(reference):
        detail = "the buyer has not finished Stripe's page, as far as is known here; query the subscription first"
        raise Unsayable(Reason.INVALID_STATE, detail)
    return reference


def told(subscription: SubscriptionFields, identifier: str | None = None) -> Outcome:
    """The subscription as it stands; one whose first charge is open is pending.

    Raises:
        UnusableAnswer: it is another object than was asked about, or its status was never met.
    """
    reference = subscription.require(KIND, identifier)
    details = details_of(subscription, reference)
    if details.state == "pending":
        return Outcome(
            verdict=Verdict.PENDING,
            reference=reference,
            reason=Reason.ACTION_REQUIRED,
            detail="the first charge is open; Stripe lets it lapse after 23 hours",
            details=details,
        )
    return Outcome(verdict=Verdict.ACCEPTED, reference=reference, details=details)


def details_of(subscription: SubscriptionFields, reference: str) -> SubscriptionDetails:
    """Raises: UnusableAnswer: its status was never met."""
    state = STATES.get(subscription.status or "")
    if state is None:
        raise UnusableAnswer("status of the subscription is missing or a word that Stripe's documents do not have")
    item = item_of(subscription)
    invoice = subscription.latest_invoice
    return SubscriptionDetails(
        state=state,
        subscription_reference=reference,
        customer_reference=id_of(subscription.customer),
        plan_reference=id_of(at(item, "price")),
        item_reference=id_of(item),
        trial_ends_at=moment(subscription.trial_end),
        began_at=moment(subscription.start_date),
        charges=charges_of(invoice) if isinstance(invoice, InvoiceFields) else (),
    )


def item_of(subscription: SubscriptionFields) -> Any:
    """The one line of a subscription; `None` where somebody added others: which one is meant cannot be told."""
    lines = at(subscription.items, "data")
    return lines[0] if isinstance(lines, list) and len(lines) == 1 else None


def charges_of(invoice: InvoiceFields) -> tuple[SubscriptionCharge, ...]:
    """One period's charge; a bill that was withdrawn is none.

    Raises:
        UnusableAnswer: its status was never met, or it has no amount.
    """
    reference = invoice.require("invoice")
    if invoice.status == "void":
        return ()
    charge = SubscriptionCharge(
        order_reference=reference,
        state=_charge_state(invoice),
        amount=from_wire(invoice.amount_due, invoice.currency, "amount_due"),
        begins_at=moment(invoice.period_start),
        payment_reference=_payment_of(invoice),
    )
    return (charge,)


def _charge_state(invoice: InvoiceFields) -> ChargeState:
    match invoice.status:
        case "paid":
            return "paid"
        case "draft":
            return "waiting"
        case "open":
            return "failed" if invoice.attempted else "waiting"
        case "uncollectible":
            return "failed"
        case _:
            raise UnusableAnswer("status of the invoice is missing or a word that Stripe's documents do not have")


def _payment_of(invoice: InvoiceFields) -> str | None:
    """The payment intent of the newest payment that Stripe tells."""
    told = at(invoice.payments, "data")
    first = told[0] if isinstance(told, list) and told else None
    return id_of(at(first, "payment", "payment_intent"))
