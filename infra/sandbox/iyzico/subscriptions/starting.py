"""Beginning a subscription, with a typed card or for a known customer. Every operation is a step of the books."""

import sqlite3
import uuid
from dataclasses import dataclass

from infra.sandbox.iyzico.booking import bank_refusal, card_for
from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.cards import CARD_BY_NAME
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import Json, one_of, optional_text, section, text
from infra.sandbox.iyzico.subscriptions.charging import decline_unsubscribed, take_first
from infra.sandbox.iyzico.subscriptions.customers import add_customer, read_customer
from infra.sandbox.iyzico.subscriptions.records import (
    Customer,
    Plan,
    Status,
    Subscription,
    customer_like,
    customer_of,
    plan_of,
    subscription_of,
)
from infra.sandbox.iyzico.validation import read_card_use

_FIRST = frozenset({"ACTIVE", "PENDING"})


@dataclass(frozen=True, slots=True)
class Start:
    """What is to begin: for whom, paid by which card, from which plan, active or waiting."""

    plan: Plan
    customer: Customer
    card_name: str
    status: Status
    conversation_id: str | None = None


def initialize(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /initialize: a customer with the same email and phone is the same customer."""
    details = read_customer(section(call.body, "customer"))
    card = card_for(connection, read_card_use(section(call.body, "paymentCard"), call.now_ms))
    plan, status = read_wanted(connection, call.body)
    customer = known_or_new(connection, details, call.now_ms)
    start = Start(plan, customer, card.name, status, optional_text(call.body, "conversationId"))
    return _answer(begin(connection, call, start), plan)


def initialize_with_customer(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /initialize/with-customer: paid by the card that this customer gave last."""
    customer = customer_of(connection, text(call.body, "customerReferenceCode"))
    plan, status = read_wanted(connection, call.body)
    if customer.card_name is None:
        raise Refused("3002", detail="the customer has given no card")
    start = Start(plan, customer, customer.card_name, status, optional_text(call.body, "conversationId"))
    return _answer(begin(connection, call, start), plan)


def begin(connection: sqlite3.Connection, call: Call, start: Start) -> Subscription | Refused:
    """A subscription in the books. ACTIVE and without trial it is charged at once; a declined one does not begin.

    With a trial, or PENDING, the card is asked whether it would pay. iyzico takes one lira for that and gives it back
    at once, which the books leave out.
    """
    charged = start.status == "ACTIVE" and not start.plan.trial_days
    card = CARD_BY_NAME[start.card_name]
    if start.plan.currency != "TRY" and not card.foreign:
        return Refused("5184", detail="currencyCode")
    if not charged and (refused := bank_refusal(card, 1)):
        return refused
    if charged:
        refused = decline_unsubscribed(
            connection,
            call,
            start.plan,
            email=start.customer.email,
            card_name=start.card_name,
            conversation_id=start.conversation_id,
        )
        if refused is not None:
            return refused
    subscription = add_subscription(connection, call, start, parent=None)
    connection.execute(
        "UPDATE customer SET card_name = ? WHERE reference = ?", (start.card_name, start.customer.reference)
    )
    if charged:
        take_first(connection, call, subscription, start.conversation_id)
    return subscription_of(connection, subscription.reference)


def add_subscription(
    connection: sqlite3.Connection,
    call: Call,
    start: Start,
    *,
    parent: str | None,
    follows: str | None = None,
    trial_days: int | None = None,
    paid_periods: int = 0,
) -> Subscription:
    """A new subscription; without a parent it is its own beginning."""
    reference = str(uuid.uuid4())
    connection.execute(
        "INSERT INTO subscription (reference, parent, customer, plan, status, card_name, trial_days, created_ms, "
        "start_ms, paid_periods, follows) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            reference,
            parent or str(uuid.uuid4()),
            start.customer.reference,
            start.plan.reference,
            start.status,
            start.card_name,
            start.plan.trial_days if trial_days is None else trial_days,
            call.now_ms,
            call.now_ms,
            paid_periods,
            follows,
        ),
    )
    return subscription_of(connection, reference)


def read_wanted(connection: sqlite3.Connection, body: Json) -> tuple[Plan, Status]:
    """The plan, and how the subscription is to begin."""
    plan = plan_of(connection, text(body, "pricingPlanReferenceCode"))
    status = one_of(body, "subscriptionInitialStatus", _FIRST, None)
    return plan, "ACTIVE" if status == "ACTIVE" else "PENDING"


def known_or_new(connection: sqlite3.Connection, details: dict[str, object], now_ms: int) -> Customer:
    """The customer with this email and phone; a new one when there is none."""
    known = customer_like(connection, str(details["email"]), str(details["gsmNumber"]))
    return known or add_customer(connection, details, now_ms)


def _answer(begun: Subscription | Refused, plan: Plan) -> Result:
    return begun if isinstance(begun, Refused) else {"data": begun.shown(plan)}
