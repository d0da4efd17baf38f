"""What becomes of a subscription: it is queried, moved to another plan, charged again, or cancelled.

Source: README, "Subscriptions".
"""

from dataclasses import replace
from typing import Any, Final

from providers.connector import Attempt, Request, Unsayable
from providers.notices import named
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.stripe import page
from providers.payments.stripe.errors import raise_error, refusal
from providers.payments.stripe.subscribing import BegunFields
from providers.payments.stripe.subscription import (
    EXPANDED,
    KIND,
    PATH,
    TEMPLATE,
    SubscriptionFields,
    SubscriptionReply,
    details_of,
    reference_of,
    subscription_of,
    told,
)
from providers.payments.stripe.wire import Reply, delete, get, post, segment
from schemas.payments import Reason
from schemas.payments.resources import (
    CancelSubscription,
    QuerySubscription,
    SubscriptionDetails,
    UpgradeSubscription,
)
from schemas.verdicts import FailureClass, Verdict

CHANGE: Final = "kolaj_change"
"""The name in the subscription's metadata under which the reference of its last change stands."""
_ON_PAGE: Final = (("expand[0]", "subscription.latest_invoice.payments"),)


class StandingReply(BegunFields, Reply):
    """A subscription, or the page that leads to one, with the subscription in full once there is one."""

    subscription: SubscriptionFields | None = None


def build_query(_command: QuerySubscription, attempt: Attempt) -> Request:
    reference = reference_of(attempt)
    if page.is_page(reference):
        return get(f"{page.PATH}/{segment(reference)}", page.TEMPLATE, _ON_PAGE)
    return ask(attempt)


def read_query(reply: StandingReply, _command: QuerySubscription, attempt: Attempt) -> Outcome:
    raise_error(reply)
    reference = reference_of(attempt)
    if not page.is_page(reference):
        return _standing(reply, reply.require(KIND, reference))
    reply.require(page.KIND, reference)
    match reply.status:
        case "open":
            return _answered(reference, SubscriptionDetails(state="pending"))
        case "expired":
            return _answered(reference, SubscriptionDetails(state="expired"))
        case "complete" if reply.subscription is not None:
            return _standing(reply.subscription, reply.subscription.require(KIND))
        case _:
            raise UnusableAnswer("status or subscription is missing, or a word that Stripe's documents do not have")


def build_upgrade(command: UpgradeSubscription, attempt: Attempt) -> Request:
    """Without the line's id Stripe would add the new plan beside the old one, and charge both."""
    if command.when != "now":
        detail = "Stripe moves a plan at a period's end only by a schedule of several steps; send when now"
        raise Unsayable(Reason.INVALID_REQUEST, detail)
    item = None if attempt.resource is None else attempt.resource.item_reference
    if item is None:
        raise Unsayable(Reason.INVALID_STATE, "the plan's line at Stripe is not known; query the subscription first")
    fields = {
        "items[0][id]": item,
        "items[0][price]": command.plan_reference,
        "payment_behavior": "error_if_incomplete",
        "proration_behavior": "create_prorations",
        "off_session": "true",
        "trial_from_plan": "true" if command.with_trial else None,
        "billing_cycle_anchor": "now" if command.count_anew else None,
        f"metadata[{CHANGE}]": attempt.reference,
        **dict(EXPANDED),
    }
    path = f"{PATH}/{segment(subscription_of(attempt))}"
    return post(path, TEMPLATE, fields, attempt.reference)


def read_upgrade(reply: SubscriptionReply, command: UpgradeSubscription, attempt: Attempt) -> Outcome:
    if reply.error is not None:
        return refusal(reply.error, reply.http)
    if _change_of(reply) != attempt.reference:
        raise UnusableAnswer(f"metadata has not the {CHANGE} that was sent")
    return _moved(reply, command, attempt)


def read_upgrade_inquiry(reply: SubscriptionReply, command: UpgradeSubscription, attempt: Attempt) -> Finding:
    raise_error(reply)
    reply.require(KIND, subscription_of(attempt))
    if _change_of(reply) != attempt.reference:
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, _moved(reply, command, attempt))


def build_cancel(_command: CancelSubscription, attempt: Attempt) -> Request:
    """At once, and nothing is given back."""
    path = f"{PATH}/{segment(subscription_of(attempt))}"
    return delete(path, TEMPLATE, (("cancellation_details[comment]", attempt.reference),))


def read_cancel(reply: SubscriptionReply, _command: CancelSubscription, attempt: Attempt) -> Outcome:
    if reply.error is not None:
        outcome = refusal(reply.error, reply.http, subscription_of(attempt))
        if reply.error.code == "resource_missing":
            # One that has ended before is not found by this call, and is by its look-up.
            detail = "Stripe knows no running subscription of this id: it has ended before, or was never here; query it"
            return replace(outcome, reason=Reason.INVALID_STATE, failure=FailureClass.STATE, detail=detail)
        return outcome
    reply.require(KIND, subscription_of(attempt))
    if reply.status != "canceled":
        raise UnusableAnswer("status after a cancel is not canceled")
    return _answered(reply.id, details_of(reply, subscription_of(attempt)))


def read_cancel_inquiry(reply: SubscriptionReply, _command: CancelSubscription, attempt: Attempt) -> Finding:
    """What has ended has ended, whoever ended it."""
    raise_error(reply)
    reference = reply.require(KIND, subscription_of(attempt))
    details = details_of(reply, reference)
    if details.state not in {"cancelled", "expired"}:
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, _answered(reference, details))


def ask_about(_command: Any, attempt: Attempt) -> Request:
    return ask(attempt)


def ask(attempt: Attempt) -> Request:
    return get(f"{PATH}/{segment(subscription_of(attempt))}", TEMPLATE, EXPANDED)


def _standing(subscription: SubscriptionFields, reference: str) -> Outcome:
    return _answered(reference, details_of(subscription, reference))


def _answered(reference: str | None, details: SubscriptionDetails) -> Outcome:
    return Outcome(verdict=Verdict.ACCEPTED, reference=reference, details=details)


def _moved(subscription: SubscriptionReply, command: UpgradeSubscription, attempt: Attempt) -> Outcome:
    """Raises: UnusableAnswer: it is of another plan than was asked for."""
    outcome = told(subscription, subscription_of(attempt))
    details = outcome.details
    if not isinstance(details, SubscriptionDetails) or details.plan_reference != command.plan_reference:
        raise UnusableAnswer("the subscription's plan is not the one that was sent")
    return outcome


def _change_of(subscription: SubscriptionFields) -> str | None:
    return named((subscription.metadata or {}).get(CHANGE))
