"""The orders of a subscription: what a period takes from the card, and what the merchant is told. Parts of steps."""

import sqlite3
import uuid
from dataclasses import replace

from infra.sandbox.iyzico.booking import bank_refusal, open_payment, payment_events
from infra.sandbox.iyzico.calls import Call
from infra.sandbox.iyzico.cards import CARD_BY_NAME
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.events import SubscriptionEvent
from infra.sandbox.iyzico.payments import require_payment
from infra.sandbox.iyzico.subscriptions.records import (
    DAY_MS,
    PeriodOrder,
    Plan,
    Status,
    Subscription,
    customer_of,
    order_of,
    plan_of,
    subscription_of,
)
from infra.sandbox.iyzico.validation import NO_CARD, Item, Order


def take_first(
    connection: sqlite3.Connection, call: Call, subscription: Subscription, conversation_id: str | None
) -> Refused | None:
    """Charge the first period. The merchant is told as of any payment; a decline leaves the order waiting."""
    order = _next_order(connection, subscription, call.now_ms)
    payment_id, refused = _attempt(connection, call, subscription, order, conversation_id=conversation_id)
    payment = require_payment(connection, payment_id, call.now_ms)
    call.events.extend(payment_events("API_AUTH", payment, None, call.now_ms))
    _settle(connection, subscription, order, refused)
    return refused


def take_again(
    connection: sqlite3.Connection,
    call: Call,
    subscription: Subscription,
    order: PeriodOrder,
    *,
    conversation_id: str | None,
    forced: Refused | None = None,
) -> Refused | None:
    """Charge a later period, or try an order once more; `forced` is what the bank says whatever the card."""
    _, refused = _attempt(connection, call, subscription, order, conversation_id=conversation_id, forced=forced)
    kind = "subscription.order.success" if refused is None else "subscription.order.failure"
    call.events.append(SubscriptionEvent(kind, order.reference, subscription.reference, subscription.customer))
    _settle(connection, subscription, order, refused)
    return refused


def renew(
    connection: sqlite3.Connection, call: Call, reference: str, forced: Refused | None
) -> tuple[Subscription, PeriodOrder | None]:
    """A subscription's next period begins.

    Raises:
        Refused: 11 for what is unknown or not ACTIVE.
    """
    subscription = _successor(connection, subscription_of(connection, reference))
    if subscription.status != "ACTIVE":
        raise Refused("11", detail=f"the subscription is {subscription.status}")
    plan = plan_of(connection, subscription.plan)
    if _over(subscription, plan):
        set_status(connection, subscription, "EXPIRED")
        return subscription_of(connection, subscription.reference), None
    order = _next_order(connection, subscription, call.now_ms)
    take_again(connection, call, subscription, order, conversation_id=None, forced=forced)
    return subscription_of(connection, subscription.reference), order_of(connection, order.reference)


def set_status(connection: sqlite3.Connection, subscription: Subscription, status: Status) -> None:
    connection.execute("UPDATE subscription SET status = ? WHERE reference = ?", (status, subscription.reference))


def decline_unsubscribed(
    connection: sqlite3.Connection, call: Call, plan: Plan, *, email: str, card_name: str, conversation_id: str | None
) -> Refused | None:
    """What the card's bank says to a first period; a decline is kept, though nothing was subscribed to."""
    refused = bank_refusal(CARD_BY_NAME[card_name], 1)
    if refused is None:
        return None
    order = _payable(plan.price_minor, plan.currency, plan.reference, email, conversation_id)
    payment_id = open_payment(connection, call, order, card=CARD_BY_NAME[card_name], kind="auth", refused=refused)
    payment = require_payment(connection, str(payment_id), call.now_ms)
    call.events.extend(payment_events("API_AUTH", payment, None, call.now_ms))
    return refused


def _successor(connection: sqlite3.Connection, subscription: Subscription) -> Subscription:
    """What takes this one's place from its next period on, if it was upgraded for then; else itself."""
    row = connection.execute(
        "SELECT reference FROM subscription WHERE follows = ? AND status = 'PENDING'", (subscription.reference,)
    ).fetchone()
    if row is None or subscription.status != "ACTIVE":
        return subscription
    follower = subscription_of(connection, row[0])
    set_status(connection, subscription, "UPGRADED")
    set_status(connection, follower, "ACTIVE")
    return replace(follower, status="ACTIVE")


def _next_order(connection: sqlite3.Connection, subscription: Subscription, now_ms: int) -> PeriodOrder:
    plan = plan_of(connection, subscription.plan)
    last = connection.execute(
        "SELECT max(end_ms) FROM period_order WHERE subscription = ?", (subscription.reference,)
    ).fetchone()[0]
    start = last or max(subscription.start_ms + subscription.trial_days * DAY_MS, now_ms)
    reference = str(uuid.uuid4())
    connection.execute(
        "INSERT INTO period_order (reference, subscription, price_minor, currency, start_ms, end_ms, status) "
        "VALUES (?, ?, ?, ?, ?, ?, 'WAITING')",
        (reference, subscription.reference, plan.price_minor, plan.currency, start, start + plan.period_ms),
    )
    return order_of(connection, reference)


def _attempt(
    connection: sqlite3.Connection,
    call: Call,
    subscription: Subscription,
    order: PeriodOrder,
    *,
    conversation_id: str | None,
    forced: Refused | None = None,
) -> tuple[str, Refused | None]:
    card = CARD_BY_NAME[subscription.card_name]
    refused = forced or bank_refusal(card, 1)
    email = customer_of(connection, subscription.customer).email
    payable = _payable(order.price_minor, order.currency, order.reference, email, conversation_id)
    payment_id = open_payment(connection, call, payable, card=card, kind="auth", refused=refused)
    connection.execute(
        "INSERT INTO order_attempt (order_reference, payment_id) VALUES (?, ?)", (order.reference, payment_id)
    )
    return str(payment_id), refused


def _settle(
    connection: sqlite3.Connection, subscription: Subscription, order: PeriodOrder, refused: Refused | None
) -> None:
    if refused is not None:
        set_status(connection, subscription, "UNPAID")
        return
    connection.execute("UPDATE period_order SET status = 'SUCCESS' WHERE reference = ?", (order.reference,))
    connection.execute(
        "UPDATE subscription SET paid_periods = paid_periods + 1, status = 'ACTIVE' WHERE reference = ?",
        (subscription.reference,),
    )


def _over(subscription: Subscription, plan: Plan) -> bool:
    return plan.recurrences is not None and subscription.paid_periods >= plan.recurrences


def _payable(price_minor: int, currency: str, basket_id: str, email: str, conversation_id: str | None) -> Order:
    items = (Item(basket_id, price_minor),)
    return Order(conversation_id, basket_id, currency, price_minor, price_minor, 1, items, NO_CARD, email)
