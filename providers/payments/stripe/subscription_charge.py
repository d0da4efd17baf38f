"""A subscription's failed charge tried again, and another card for the charges to come.

Source: README, "Subscriptions".
"""

from typing import Final

from providers.connector import Attempt, Request
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.stripe.errors import raise_error, refusal
from providers.payments.stripe.intent import redirect_to
from providers.payments.stripe.subscription import (
    KIND,
    InvoiceFields,
    SubscriptionFields,
    charges_of,
    details_of,
    subscription_of,
)
from providers.payments.stripe.wire import Fields, Reply, get, post, segment
from schemas.payments import Reason
from schemas.payments.resources import ChangeSubscriptionCard, RetrySubscriptionCharge
from schemas.verdicts import FailureClass, Verdict

_PATH: Final = "/v1/invoices"
_TEMPLATE: Final = "/v1/invoices/{invoice}"
_PORTAL: Final = "/v1/billing_portal/sessions"
_EXPANDED: Final = (("expand[0]", "payments"), ("expand[1]", "parent.subscription_details.subscription"))


class Of(Fields):
    subscription: SubscriptionFields | None = None


class Parent(Fields):
    subscription_details: Of | None = None


class InvoiceReply(InvoiceFields, Reply):
    """A bill with its subscription in full, or an error in its place."""

    parent: Parent | None = None


class PortalReply(Fields, Reply):
    url: str | None = None


def build_retry(command: RetrySubscriptionCharge, attempt: Attempt) -> Request:
    subscription_of(attempt)
    path = f"{_PATH}/{segment(command.order_reference)}/pay"
    return post(path, f"{_TEMPLATE}/pay", {"off_session": "true", **dict(_EXPANDED)}, attempt.reference)


def read_retry(reply: InvoiceReply, command: RetrySubscriptionCharge, attempt: Attempt) -> Outcome:
    if reply.error is not None:
        return refusal(reply.error, reply.http, subscription_of(attempt))
    paid = _paid(reply, command, attempt)
    if paid is None:
        raise UnusableAnswer("status after a payment of the bill is not paid")
    return paid


def build_retry_inquiry(command: RetrySubscriptionCharge, _attempt: Attempt) -> Request:
    return get(f"{_PATH}/{segment(command.order_reference)}", _TEMPLATE, _EXPANDED)


def read_retry_inquiry(reply: InvoiceReply, command: RetrySubscriptionCharge, attempt: Attempt) -> Finding:
    """What is paid is paid, whoever let it be tried."""
    raise_error(reply)
    paid = _paid(reply, command, attempt)
    if paid is not None:
        return Finding(Sighting.CONCLUDED, paid)
    match reply.status:
        case "open" | "uncollectible":
            return Finding(Sighting.ABSENT)
        case "void" | "draft":
            refused = Outcome(
                verdict=Verdict.REFUSED,
                reference=subscription_of(attempt),
                reason=Reason.INVALID_STATE,
                failure=FailureClass.STATE,
                detail="the bill is withdrawn, or not out yet; query the subscription",
                their_code=reply.status,
            )
            return Finding(Sighting.CONCLUDED, refused)
        case _:
            raise UnusableAnswer("status is missing or a word that Stripe's documents do not have")


def build_change_card(command: ChangeSubscriptionCard, attempt: Attempt) -> Request:
    """What the buyer gives there is the customer's, for all its subscriptions that have no card of their own."""
    subscription_of(attempt)
    fields = {
        "customer": command.customer_reference,
        "return_url": command.return_url,
        "flow_data[type]": "payment_method_update",
    }
    return post(_PORTAL, _PORTAL, fields, attempt.reference)


def read_change_card(reply: PortalReply, _command: ChangeSubscriptionCard, attempt: Attempt) -> Outcome:
    if reply.error is not None:
        return refusal(reply.error, reply.http, subscription_of(attempt))
    reply.require("billing_portal.session")
    return Outcome(
        verdict=Verdict.PENDING,
        reference=subscription_of(attempt),
        reason=Reason.ACTION_REQUIRED,
        detail="the buyer goes on at Stripe's page; query the subscription afterwards",
        next_action=redirect_to(reply.url),
    )


def _paid(reply: InvoiceReply, command: RetrySubscriptionCharge, attempt: Attempt) -> Outcome | None:
    """The accepted outcome of a bill that is paid; `None` for any other.

    Raises:
        UnusableAnswer: it is another bill, or one of another subscription.
    """
    reply.require("invoice", command.order_reference)
    if reply.status != "paid":
        return None
    of = None if reply.parent is None else reply.parent.subscription_details
    subscription = None if of is None else of.subscription
    if subscription is None:
        raise UnusableAnswer("the bill does not tell its subscription")
    reference = subscription.require(KIND, subscription_of(attempt))
    details = details_of(subscription, reference).model_copy(update={"charges": charges_of(reply)})
    return Outcome(verdict=Verdict.ACCEPTED, reference=reference, details=details)
