"""Subscriptions: `/v1/billing/subscriptions`. The payer agrees on PayPal's page, and PayPal charges by itself.

Source: README, "Subscriptions".
"""

from typing import Final

from providers.connector import Attempt, Request, Unsayable, Wire
from providers.notices import named
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.paypal.errors import is_absent, not_answered, refusal
from providers.payments.paypal.moments import moment
from providers.payments.paypal.resource import reference_of
from providers.payments.paypal.wire import Reply, get, page_of, post
from schemas.payments import Reason
from schemas.payments.resources import (
    ActivateSubscription,
    CancelSubscription,
    CreateSubscription,
    QuerySubscription,
    SubscriptionDetails,
    UpgradeSubscription,
)
from schemas.payments.resources.subscriptions import SubscriptionState
from schemas.verdicts import Verdict

_SUBSCRIPTIONS: Final = "/v1/billing/subscriptions"
_SUBSCRIPTION: Final = "/v1/billing/subscriptions/{subscription}"
_STATES: Final[dict[str, SubscriptionState]] = {
    "APPROVAL_PENDING": "pending",
    "APPROVED": "pending",
    "ACTIVE": "active",
    "SUSPENDED": "unpaid",
    "CANCELLED": "cancelled",
    "EXPIRED": "expired",
}
_BEGUN: Final = frozenset({"APPROVAL_PENDING", "APPROVED", "ACTIVE"})


class Subscriber(Wire):
    payer_id: str | None = None


class SubscriptionReply(Reply):
    id: str | None = None
    status: str | None = None
    plan_id: str | None = None
    start_time: str | None = None
    subscriber: Subscriber | None = None


class Done(SubscriptionReply):
    """The empty answer to an order that was performed."""


class RevisionReply(Reply):
    plan_id: str | None = None


def build_create(command: CreateSubscription, attempt: Attempt) -> Request:
    """Raises `Unsayable` for all but PayPal's page: no payer agrees to be charged again and again anywhere else."""
    if command.return_url is None:
        raise Unsayable(Reason.UNSUPPORTED_METHOD, "a payer subscribes on PayPal's page alone; send return_url")
    body = {
        "plan_id": command.plan_reference,
        "custom_id": attempt.reference,
        "subscriber": {
            "name": {"given_name": command.buyer.name, "surname": command.buyer.surname},
            "email_address": command.buyer.email,
        },
        "application_context": {
            "return_url": command.return_url,
            "cancel_url": command.return_url,
            "user_action": "SUBSCRIBE_NOW" if command.begins_active else "CONTINUE",
            "shipping_preference": "NO_SHIPPING",
        },
    }
    return post(_SUBSCRIPTIONS, body, key=attempt.reference)


def read_create(reply: SubscriptionReply, command: CreateSubscription, _attempt: Attempt) -> Outcome:
    """Pending with the page to send the payer to. What a repeat finds further on is told as it stands then."""
    if reply.failed:
        return refusal(reply)
    if reply.plan_id not in {None, command.plan_reference} or reply.status not in _BEGUN:
        raise UnusableAnswer("plan_id is not the one that was sent, or status is no word for a new subscription")
    if reply.status != "APPROVAL_PENDING":
        return _told(reply)
    subscription = named(reply.id)
    if subscription is None:
        raise UnusableAnswer("id is missing in a success, or is none")
    page = page_of(reply)
    return Outcome(
        verdict=Verdict.PENDING,
        reference=subscription,
        reason=Reason.ACTION_REQUIRED,
        detail="send the payer to PayPal's page, on which they agree to the subscription",
        redirect_url=page.url,
        next_action=page,
    )


def ask(_command: object, attempt: Attempt) -> Request:
    return get(_SUBSCRIPTION, subscription=reference_of(attempt))


def read_query(reply: SubscriptionReply, _command: QuerySubscription, attempt: Attempt) -> Outcome:
    if is_absent(reply):
        return refusal(reply)
    if reply.failed:
        raise not_answered(reply)
    _require_own(reply, attempt)
    return _told(reply)


def build_activate(_command: ActivateSubscription, attempt: Attempt) -> Request:
    return _order(attempt, "activate", "activated by the merchant")


def read_activate(reply: SubscriptionReply, _command: ActivateSubscription, attempt: Attempt) -> Outcome:
    return _done(reply, attempt, "active")


def read_activate_inquiry(reply: SubscriptionReply, _command: ActivateSubscription, attempt: Attempt) -> Finding:
    return _seen(reply, attempt, "active")


def build_cancel(_command: CancelSubscription, attempt: Attempt) -> Request:
    return _order(attempt, "cancel", "cancelled by the merchant")


def read_cancel(reply: SubscriptionReply, _command: CancelSubscription, attempt: Attempt) -> Outcome:
    return _done(reply, attempt, "cancelled")


def read_cancel_inquiry(reply: SubscriptionReply, _command: CancelSubscription, attempt: Attempt) -> Finding:
    return _seen(reply, attempt, "cancelled")


def build_upgrade(command: UpgradeSubscription, attempt: Attempt) -> Request:
    """Raises `Unsayable` for what their revision does not do: it counts from the next period, and goes on counting."""
    if command.when == "now":
        raise Unsayable(Reason.INVALID_REQUEST, "PayPal changes the plan with the next period; send when next_period")
    if command.with_trial or command.count_anew:
        raise Unsayable(Reason.INVALID_REQUEST, "PayPal's change of a plan brings no trial and no new count")
    body = {"plan_id": command.plan_reference}
    return post(f"{_SUBSCRIPTION}/revise", body, key=attempt.reference, subscription=reference_of(attempt))


def read_upgrade(reply: RevisionReply, command: UpgradeSubscription, attempt: Attempt) -> Outcome:
    """The payer has to agree to it, on their page; without one PayPal needs nobody's yes."""
    if reply.failed:
        return refusal(reply)
    if reply.plan_id != command.plan_reference:
        raise UnusableAnswer("plan_id is not the one that was sent")
    subscription = reference_of(attempt)
    if not any(link.rel == "approve" for link in reply.links or ()):
        details = SubscriptionDetails(
            state="active", subscription_reference=subscription, plan_reference=command.plan_reference
        )
        return Outcome(verdict=Verdict.ACCEPTED, reference=subscription, details=details)
    page = page_of(reply)
    return Outcome(
        verdict=Verdict.PENDING,
        reference=subscription,
        reason=Reason.ACTION_REQUIRED,
        detail="send the payer to PayPal's page, on which they agree to the other plan",
        redirect_url=page.url,
        next_action=page,
    )


def read_upgrade_inquiry(reply: SubscriptionReply, command: UpgradeSubscription, attempt: Attempt) -> Finding:
    _require_answered(reply, attempt)
    if reply.plan_id != command.plan_reference:
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, _told(reply))


def _order(attempt: Attempt, what: str, why: str) -> Request:
    body = {"reason": f"{why} ({attempt.reference})"}
    return post(f"{_SUBSCRIPTION}/{what}", body, key=attempt.reference, subscription=reference_of(attempt))


def _done(reply: SubscriptionReply, attempt: Attempt, state: SubscriptionState) -> Outcome:
    if reply.failed:
        return refusal(reply)
    if not isinstance(reply, Done):
        raise UnusableAnswer("it is answered with nothing once it is done, and this is something")
    subscription = reference_of(attempt)
    details = SubscriptionDetails(state=state, subscription_reference=subscription)
    return Outcome(verdict=Verdict.ACCEPTED, reference=subscription, details=details)


def _seen(reply: SubscriptionReply, attempt: Attempt, wanted: SubscriptionState) -> Finding:
    _require_answered(reply, attempt)
    told = _told(reply)
    details = told.details
    if isinstance(details, SubscriptionDetails) and details.state == wanted:
        return Finding(Sighting.CONCLUDED, told)
    return Finding(Sighting.ABSENT)


def _require_answered(reply: SubscriptionReply, attempt: Attempt) -> None:
    if reply.failed:
        raise not_answered(reply)
    _require_own(reply, attempt)


def _require_own(reply: SubscriptionReply, attempt: Attempt) -> None:
    if reply.id != reference_of(attempt):
        raise UnusableAnswer("id is not that of the subscription that was asked about")


def _told(reply: SubscriptionReply) -> Outcome:
    """How it stands.

    Raises:
        UnusableAnswer: it has no id, or its status is a word that was never met.
    """
    state = _STATES.get(reply.status or "")
    subscription = named(reply.id)
    if state is None or subscription is None:
        raise UnusableAnswer("id is missing, or status is a word that PayPal's documents do not have")
    payer = None if reply.subscriber is None else named(reply.subscriber.payer_id)
    details = SubscriptionDetails(
        state=state,
        subscription_reference=subscription,
        customer_reference=payer,
        plan_reference=named(reply.plan_id),
        began_at=moment(reply.start_time),
    )
    return Outcome(verdict=Verdict.ACCEPTED, reference=subscription, details=details)
