"""A subscription's life after its beginning. Every operation is a step of the books."""

import sqlite3
from typing import Final

from infra.sandbox.iyzico.amounts import eight_decimals, two_decimals
from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import Json, one_of, optional_text, text
from infra.sandbox.iyzico.paging import paged
from infra.sandbox.iyzico.payment_result import in_istanbul
from infra.sandbox.iyzico.payments import require_payment
from infra.sandbox.iyzico.subscriptions.charging import decline_unsubscribed, set_status, take_again, take_first
from infra.sandbox.iyzico.subscriptions.records import (
    PeriodOrder,
    Subscription,
    all_subscriptions,
    customer_of,
    order_of,
    orders_of,
    plan_of,
    subscription_of,
)
from infra.sandbox.iyzico.subscriptions.starting import Start, add_subscription

_FILTERS: Final = {
    "subscriptionReferenceCode": "reference",
    "customerReferenceCode": "customer",
    "pricingPlanReferenceCode": "plan",
    "parent": "parent",
    "parentReferenceCode": "parent",
    "subscriptionStatus": "status",
}
_RUNNING: Final = ("ACTIVE", "PENDING", "UNPAID")
_WHEN: Final = frozenset({"NOW", "NEXT_PERIOD"})


def list_subscriptions(connection: sqlite3.Connection, call: Call) -> Result:
    """GET /subscriptions, filtered by what the query names; dates are days of the creation, in Türkiye."""
    found = [one for one in all_subscriptions(connection) if _wanted(one, call.query)]
    return {"data": paged([one.shown(plan_of(connection, one.plan)) for one in found], call.query)}


def get_subscription(connection: sqlite3.Connection, call: Call) -> Result:
    """GET /subscriptions/{subscription}, with its orders and what was tried for each."""
    one = _named(connection, call)
    orders = [_order(connection, order, paid, call.now_ms) for order, paid in orders_of(connection, one.reference)]
    return {"data": one.shown(plan_of(connection, one.plan)) | {"orders": orders}}


def activate(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /subscriptions/{subscription}/activate: a PENDING one begins, and is charged unless it has a trial."""
    one = _named(connection, call)
    if one.status != "PENDING" or one.follows is not None:
        raise Refused("11", detail=f"the subscription is {one.status}")
    set_status(connection, one, "ACTIVE")
    refused = None if one.trial_days else take_first(connection, call, one, _conversation(call))
    return refused or {}


def cancel(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /subscriptions/{subscription}/cancel: what would have followed it is cancelled too."""
    one = _named(connection, call)
    if one.status not in _RUNNING:
        raise Refused("11", detail=f"the subscription is {one.status}")
    set_status(connection, one, "CANCELED")
    connection.execute(
        "UPDATE subscription SET status = 'CANCELED' WHERE follows = ? AND status = 'PENDING'", (one.reference,)
    )
    return {}


def upgrade(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /subscriptions/{subscription}/upgrade: another subscription under the same parent, now or next period."""
    one = _named(connection, call)
    plan = plan_of(connection, text(call.body, "newPricingPlanReferenceCode"))
    now = one_of(call.body, "upgradePeriod", _WHEN, None) == "NOW"
    if one.status != "ACTIVE":
        raise Refused("11", detail=f"the subscription is {one.status}")
    before = plan_of(connection, one.plan)
    if (plan.product, plan.currency) != (before.product, before.currency) or plan.reference == one.plan:
        raise Refused("11", detail="the new plan must be another one of the same product and currency")
    trial_days = plan.trial_days if call.body.get("useTrial") is True else 0
    customer = customer_of(connection, one.customer)
    if now and not trial_days:
        refused = decline_unsubscribed(
            connection, call, plan, email=customer.email, card_name=one.card_name, conversation_id=_conversation(call)
        )
        if refused is not None:
            return refused
    connection.execute(
        "UPDATE subscription SET status = 'CANCELED' WHERE follows = ? AND status = 'PENDING'", (one.reference,)
    )
    begun = add_subscription(
        connection,
        call,
        Start(plan, customer, one.card_name, "ACTIVE" if now else "PENDING"),
        parent=one.parent,
        follows=one.reference,
        trial_days=trial_days,
        paid_periods=0 if call.body.get("resetRecurrenceCount") is True else one.paid_periods,
    )
    if now:
        set_status(connection, one, "UPGRADED")
        if not trial_days:
            take_first(connection, call, begun, _conversation(call))
    return {"data": subscription_of(connection, begun.reference).shown(plan)}


def retry(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /operation/retry: put a failed order to the card once more."""
    order = order_of(connection, text(call.body, "referenceCode"))
    one = subscription_of(connection, order.subscription)
    if order.status == "SUCCESS":
        raise Refused("10203", detail="the order is paid")
    if one.status != "UNPAID":
        raise Refused("11", detail=f"the subscription is {one.status}")
    return take_again(connection, call, one, order, conversation_id=_conversation(call)) or {}


def _named(connection: sqlite3.Connection, call: Call) -> Subscription:
    return subscription_of(connection, call.names["subscription"])


def _conversation(call: Call) -> str | None:
    return optional_text(call.body, "conversationId", at_most=255, too_long="20")


def _wanted(one: Subscription, query: Json) -> bool:
    if any(query.get(name) and getattr(one, kept) != query[name] for name, kept in _FILTERS.items()):
        return False
    day = in_istanbul(one.created_ms).date().isoformat()
    return str(query.get("startDate") or day)[:10] <= day <= str(query.get("endDate") or day)[:10]


def _order(connection: sqlite3.Connection, order: PeriodOrder, paid: list[str], now_ms: int) -> dict[str, object]:
    attempts = [require_payment(connection, payment_id, now_ms) for payment_id in paid]
    return {
        "referenceCode": order.reference,
        "price": eight_decimals(two_decimals(order.price_minor)),
        "currencyCode": order.currency,
        "startPeriod": order.start_ms,
        "endPeriod": order.end_ms,
        "orderStatus": order.status,
        "paymentAttempts": [
            {
                "conversationId": payment.conversation_id or "",
                "createdDate": payment.created_ms,
                "paymentId": int(payment.payment_id),
                "paymentStatus": payment.status,
            }
            for payment in attempts
        ],
    }
