"""Beginning a subscription: with a card that a customer has at Stripe, or on Stripe's page.

Source: README, "Subscriptions".
"""

from typing import Final

from pydantic import StrictBool

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.stripe import page
from providers.payments.stripe.create import listed
from providers.payments.stripe.errors import raise_error, refusal
from providers.payments.stripe.intent import redirect_to
from providers.payments.stripe.page import SessionFields
from providers.payments.stripe.subscription import EXPANDED, PATH, InvoiceFields, SubscriptionFields, told
from providers.payments.stripe.wire import REFERENCE, Reply, post, the_one
from schemas.payments import Reason
from schemas.payments.resources import CreateSubscription
from schemas.verdicts import FailureClass, Verdict

_EACH_EXPANDED: Final = "data.latest_invoice.payments"
"""So that what was begun is told with its first charge, as it is where the answer arrives."""
_LOST: Final = Outcome(
    verdict=Verdict.REFUSED,
    reason=Reason.EXPIRED,
    failure=FailureClass.STATE,
    detail="nobody subscribed on the page while it was open; make a new one",
    their_code="expired",
)


class BegunFields(SessionFields, SubscriptionFields):
    """A subscription, or the page that leads to one."""

    latest_invoice: InvoiceFields | str | None = None


class BegunReply(BegunFields, Reply):
    """The same, or an error in its place."""


class BegunList(Reply):
    object: str | None = None
    data: tuple[BegunFields, ...] | None = None
    has_more: StrictBool | None = None


def build_create(command: CreateSubscription, attempt: Attempt) -> Request:
    """Where the first charge is not paid at once, nothing is begun."""
    if command.card_ref is not None:
        detail = "card numbers are not given to Stripe; send customer_reference, or return_url for its page"
        raise Unsayable(Reason.UNSUPPORTED_METHOD, detail)
    if not command.begins_active:
        raise Unsayable(Reason.INVALID_REQUEST, "a subscription begins at once at Stripe; send begins_active true")
    if command.return_url is not None:
        return _build_page(command, command.return_url, attempt)
    fields = {
        "customer": command.customer_reference,
        "items[0][price]": command.plan_reference,
        "collection_method": "charge_automatically",
        "off_session": "true",
        "payment_behavior": "error_if_incomplete",
        "trial_from_plan": "true",
        f"metadata[{REFERENCE}]": attempt.reference,
        **dict(EXPANDED),
    }
    return post(PATH, PATH, fields, attempt.reference)


def _build_page(command: CreateSubscription, return_url: str, attempt: Attempt) -> Request:
    fields = {
        "mode": "subscription",
        "success_url": return_url,
        "cancel_url": return_url,
        "client_reference_id": attempt.reference,
        "line_items[0][price]": command.plan_reference,
        "line_items[0][quantity]": "1",
        f"subscription_data[metadata][{REFERENCE}]": attempt.reference,
        f"metadata[{REFERENCE}]": attempt.reference,
    }
    return post(page.PATH, page.PATH, fields, attempt.reference)


def read_create(reply: BegunReply, command: CreateSubscription, attempt: Attempt) -> Outcome:
    if reply.error is not None:
        return refusal(reply.error, reply.http)
    reply.require_echo(attempt.reference)
    if command.return_url is None:
        return told(reply)
    reply.require(page.KIND)
    return _sent_to_page(reply)


def build_inquiry(command: CreateSubscription, attempt: Attempt) -> Request:
    if command.return_url is not None:
        return listed(page.PATH, attempt.command_id, command.customer_reference)
    return listed(PATH, attempt.command_id, command.customer_reference, expand=_EACH_EXPANDED)


def read_inquiry(reply: BegunList, command: CreateSubscription, attempt: Attempt) -> Finding:
    raise_error(reply)
    if reply.object != "list" or reply.data is None:
        raise UnusableAnswer("the answer is no list")
    found = the_one(reply.data, attempt.reference)
    if found is None:
        return Finding(Sighting.ABSENT)
    if command.return_url is None:
        return Finding(Sighting.CONCLUDED, told(found))
    found.require(page.KIND)
    return Finding(Sighting.CONCLUDED, _LOST if found.status == "expired" else _sent_to_page(found))


def _sent_to_page(session: SessionFields) -> Outcome:
    """The page is all that there is of a subscription until the buyer has finished it."""
    if session.status not in {"open", "complete"} or session.mode != "subscription":
        raise UnusableAnswer("status or mode of the page is none that it has to be")
    address = redirect_to(session.url) if session.status == "open" else None
    return Outcome(
        verdict=Verdict.PENDING,
        reference=session.id,
        reason=Reason.ACTION_REQUIRED,
        detail="the buyer goes on at Stripe's page; query the subscription afterwards",
        next_action=address,
    )
