"""What becomes of a subscription: activated, upgraded, charged again, cancelled, asked about.

Answers to orders may have no `data`: then a success says that the order was carried out, and no more.
"""

from dataclasses import replace
from typing import Final

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.iyzico.detail import NOT_FOUND, PAGE_NOT_KNOWN, not_answered
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.known_resource import customer_of, form_token_of, subscription_of
from providers.payments.iyzico.page_time import is_over
from providers.payments.iyzico.result import contradiction
from providers.payments.iyzico.subscribing import SUBSCRIPTIONS
from providers.payments.iyzico.subscription_wire import (
    BASE,
    SubscriptionFields,
    SubscriptionList,
    SubscriptionReply,
    all_listed,
    details_of,
    found,
)
from providers.payments.iyzico.wire import get, post, segment
from schemas.payments import Reason
from schemas.payments.resources import (
    ActivateSubscription,
    CancelSubscription,
    CreateSubscription,
    QuerySubscription,
    RetrySubscriptionCharge,
    SubscriptionDetails,
    UpgradeSubscription,
)
from schemas.payments.resources.subscriptions import SubscriptionState
from schemas.verdicts import Verdict

_ONE: Final = f"{SUBSCRIPTIONS}/{{subscription}}"
_PAGE: Final = f"{BASE}/checkoutform/{{token}}"
_RETRY: Final = f"{BASE}/operation/retry"
_BEGUN: Final[frozenset[SubscriptionState]] = frozenset({"active", "unpaid"})
_LIVE: Final[frozenset[SubscriptionState]] = frozenset({"active", "pending", "unpaid"})
_ENDED: Final[frozenset[SubscriptionState]] = frozenset({"cancelled"})


def build_activate(_command: ActivateSubscription, attempt: Attempt) -> Request:
    return _order("activate", attempt)


def read_activate(reply: SubscriptionReply, _command: ActivateSubscription, attempt: Attempt) -> Outcome:
    return _ordered(reply, attempt, "active", _BEGUN)


def read_activate_inquiry(reply: SubscriptionReply, _command: ActivateSubscription, attempt: Attempt) -> Finding:
    return _stands(reply, attempt, _BEGUN)


def build_cancel(_command: CancelSubscription, attempt: Attempt) -> Request:
    return _order("cancel", attempt)


def read_cancel(reply: SubscriptionReply, _command: CancelSubscription, attempt: Attempt) -> Outcome:
    return _ordered(reply, attempt, "cancelled", _ENDED)


def read_cancel_inquiry(reply: SubscriptionReply, _command: CancelSubscription, attempt: Attempt) -> Finding:
    return _stands(reply, attempt, _ENDED)


def build_upgrade(command: UpgradeSubscription, attempt: Attempt) -> Request:
    return post(
        f"{_ONE.format(subscription=segment(subscription_of(attempt)))}/upgrade",
        {
            "conversationId": attempt.reference,
            "newPricingPlanReferenceCode": command.plan_reference,
            "upgradePeriod": "NOW" if command.when == "now" else "NEXT_PERIOD",
            "useTrial": command.with_trial,
            "resetRecurrenceCount": command.count_anew,
        },
        template=f"{_ONE}/upgrade",
    )


def read_upgrade(reply: SubscriptionReply, command: UpgradeSubscription, attempt: Attempt) -> Outcome:
    """The subscription to the new plan has a name of its own; the old one is over."""
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    return _upgraded(reply.data, command, attempt)


def build_upgrade_inquiry(_command: UpgradeSubscription, attempt: Attempt) -> Request:
    customer = customer_of(attempt)
    if customer is None:
        raise Unsayable(Reason.OUTCOME_UNKNOWN, "iyzico's name of the buyer is not known; look it up in its panel")
    asked = {"customerReferenceCode": customer, "page": "1", "count": "100"}
    return get(SUBSCRIPTIONS, **asked, conversationId=attempt.reference)


def read_upgrade_inquiry(reply: SubscriptionList, command: UpgradeSubscription, attempt: Attempt) -> Finding:
    """What came of a subscription has its parent, as those have that it was before: they are over."""
    listed, ours = all_listed(reply), subscription_of(attempt)
    old = next((one for one in listed if one.reference_code == ours), None)
    if old is None or old.parent_reference_code is None:
        raise UnusableAnswer("the subscription or its parentReferenceCode is not in the list")
    new = [
        one
        for one in listed
        if one.parent_reference_code == old.parent_reference_code
        and one.pricing_plan_reference_code == command.plan_reference
        and one.reference_code != ours
        and details_of(one).state in _LIVE
    ]
    if len(new) == 1:
        return Finding(Sighting.CONCLUDED, _upgraded(new[0], command, attempt))
    if new or details_of(old).state == "upgraded":
        raise UnusableAnswer("it was upgraded, and what it became cannot be told; look at it in iyzico's panel")
    return Finding(Sighting.ABSENT)


def build_retry(command: RetrySubscriptionCharge, attempt: Attempt) -> Request:
    subscription_of(attempt)
    return post(_RETRY, {"conversationId": attempt.reference, "referenceCode": command.order_reference})


def read_retry(reply: SubscriptionReply, _command: RetrySubscriptionCharge, attempt: Attempt) -> Outcome:
    """That the charge was taken in hand says nothing of how it ended."""
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    reply.require_whole()
    return Outcome(
        verdict=Verdict.PENDING,
        reference=subscription_of(attempt),
        reason=Reason.OTHER,
        detail="iyzico tries the charge again; query the subscription to see how it ended",
    )


def read_retry_inquiry(reply: SubscriptionReply, command: RetrySubscriptionCharge, attempt: Attempt) -> Finding:
    """A charge that failed may be the one from before the order, so that it proves nothing."""
    details = _asked_about(reply, attempt)
    charge = next((one for one in details.charges if one.order_reference == command.order_reference), None)
    if charge is None or charge.state == "failed":
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.RUNNING) if charge.state == "waiting" else Finding(Sighting.CONCLUDED, found(details))


def build_query(_command: QuerySubscription, attempt: Attempt) -> Request:
    token = form_token_of(attempt)
    if token is not None:
        path = _PAGE.format(token=segment(token))
        return get(path, template=_PAGE, conversationId=attempt.reference)
    return ask(None, attempt)


def read_query(reply: SubscriptionReply, _command: QuerySubscription, attempt: Attempt) -> Outcome:
    token = form_token_of(attempt)
    if token is not None and reply.failed and reply.error_code in {NOT_FOUND, PAGE_NOT_KNOWN}:
        return _unfinished(reply, attempt)
    if reply.failed:
        return refusal(reply)
    return found(details_of(reply.data) if token is not None else _asked_about(reply, attempt))


def ask(_command: object, attempt: Attempt) -> Request:
    path = _ONE.format(subscription=segment(subscription_of(attempt)))
    return get(path, template=_ONE, conversationId=attempt.reference)


def _order(what: str, attempt: Attempt) -> Request:
    path = f"{_ONE.format(subscription=segment(subscription_of(attempt)))}/{what}"
    return post(path, {"conversationId": attempt.reference}, template=f"{_ONE}/{what}")


def _ordered(
    reply: SubscriptionReply, attempt: Attempt, done: SubscriptionState, fitting: frozenset[SubscriptionState]
) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    if reply.data is None:
        reply.require_whole()
        ours, customer = subscription_of(attempt), customer_of(attempt)
        return found(SubscriptionDetails(state=done, subscription_reference=ours, customer_reference=customer))
    details = _asked_about(reply, attempt)
    if details.state not in fitting:
        return contradiction(found(details), f"iyzico took the order, and the subscription is {details.state}")
    return found(details)


def _stands(reply: SubscriptionReply, attempt: Attempt, fitting: frozenset[SubscriptionState]) -> Finding:
    """An order has no trace of its own there: it is seen by how the subscription stands."""
    details = _asked_about(reply, attempt)
    return Finding(Sighting.CONCLUDED, found(details)) if details.state in fitting else Finding(Sighting.ABSENT)


def _asked_about(reply: SubscriptionReply, attempt: Attempt) -> SubscriptionDetails:
    if reply.failed:
        raise not_answered(reply)
    details = details_of(reply.data)
    if details.subscription_reference != subscription_of(attempt):
        raise UnusableAnswer("referenceCode is not the one that was asked about")
    return details


def _unfinished(reply: SubscriptionReply, attempt: Attempt) -> Outcome:
    """Nobody has subscribed on the page: not yet, or, once it is over, for good."""
    begun = () if attempt.resource is None else attempt.resource.open_commands
    over = is_over(reply.system_time, begun, CreateSubscription.type)
    details = SubscriptionDetails(state="expired" if over else "pending")
    return Outcome(verdict=Verdict.ACCEPTED, details=details, their_code=reply.error_code)


def _upgraded(told: SubscriptionFields | None, command: UpgradeSubscription, attempt: Attempt) -> Outcome:
    """What begins with the next period only is told of; until then orders go to the subscription that runs."""
    details = details_of(told)
    outcome = found(details)
    if details.plan_reference != command.plan_reference or details.state not in _LIVE:
        return contradiction(outcome, "iyzico took the upgrade and tells of another plan or an end; look at it")
    return outcome if command.when == "now" else replace(outcome, reference=subscription_of(attempt))
