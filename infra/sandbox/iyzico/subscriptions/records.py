"""Plans, customers, subscriptions and their orders as the books have them, and as iyzico shows them."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from infra.sandbox.iyzico.amounts import eight_decimals, two_decimals
from infra.sandbox.iyzico.errors import Refused

Status = Literal["ACTIVE", "PENDING", "UNPAID", "UPGRADED", "CANCELED", "EXPIRED"]

DAY_MS: Final = 86_400_000
_DAYS: Final = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 30, "YEARLY": 365}


@dataclass(frozen=True, slots=True)
class Plan:
    """How often a product is paid, and how much. `recurrences` None: without end."""

    reference: str
    product: str
    name: str
    price_minor: int
    currency: str
    interval: str
    interval_count: int
    trial_days: int
    recurrences: int | None
    created_ms: int

    @property
    def period_ms(self) -> int:
        """A month has 30 days here, a year 365."""
        return _DAYS[self.interval] * self.interval_count * DAY_MS

    @property
    def shown(self) -> dict[str, object]:
        return _without_none(
            {
                "referenceCode": self.reference,
                "createdDate": self.created_ms,
                "name": self.name,
                "productReferenceCode": self.product,
                "price": eight_decimals(two_decimals(self.price_minor)),
                "currencyCode": self.currency,
                "paymentInterval": self.interval,
                "paymentIntervalCount": self.interval_count,
                "trialPeriodDays": self.trial_days,
                "recurrenceCount": self.recurrences,
                "planPaymentType": "RECURRING",
                "status": "ACTIVE",
            }
        )


@dataclass(frozen=True, slots=True)
class Customer:
    """Who subscribes. `card_name` is that of the card given last."""

    reference: str
    email: str
    gsm_number: str
    details: Mapping[str, Any]
    card_name: str | None
    created_ms: int

    @property
    def shown(self) -> dict[str, object]:
        return {"referenceCode": self.reference, "createdDate": self.created_ms, "status": "ACTIVE", **self.details}


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription. An upgrade begins another one with the same `parent`."""

    reference: str
    parent: str
    customer: str
    plan: str
    status: Status
    card_name: str
    trial_days: int
    created_ms: int
    start_ms: int
    paid_periods: int
    follows: str | None

    def shown(self, plan: Plan) -> dict[str, object]:
        trial_end = self.start_ms + self.trial_days * DAY_MS
        trial = {"trialStartDate": self.start_ms, "trialEndDate": trial_end} if self.trial_days else {}
        end = None if plan.recurrences is None else trial_end + plan.recurrences * plan.period_ms
        return _without_none(
            {
                "referenceCode": self.reference,
                "parentReferenceCode": self.parent,
                "pricingPlanReferenceCode": self.plan,
                "customerReferenceCode": self.customer,
                "subscriptionStatus": self.status,
                "trialDays": self.trial_days,
                **trial,
                "createdDate": self.created_ms,
                "startDate": self.start_ms,
                "endDate": end,
            }
        )


@dataclass(frozen=True, slots=True)
class PeriodOrder:
    """What one period costs. WAITING: no attempt has succeeded yet."""

    reference: str
    subscription: str
    price_minor: int
    currency: str
    start_ms: int
    end_ms: int
    status: Literal["SUCCESS", "WAITING"]


def plan_of(connection: sqlite3.Connection, reference: str) -> Plan:
    """The plan, or 11."""
    row = connection.execute("SELECT * FROM plan WHERE reference = ?", (reference,)).fetchone()
    return Plan(*_found(row, "pricing plan"))


def plans_of(connection: sqlite3.Connection, product: str) -> list[Plan]:
    rows = connection.execute("SELECT * FROM plan WHERE product = ? ORDER BY rowid", (product,))
    return [Plan(*row) for row in rows]


def customer_of(connection: sqlite3.Connection, reference: str) -> Customer:
    """The customer, or 11."""
    return _customer(
        _found(connection.execute("SELECT * FROM customer WHERE reference = ?", (reference,)).fetchone(), "customer")
    )


def customer_like(connection: sqlite3.Connection, email: str, gsm_number: str) -> Customer | None:
    """Customers are told apart by email and phone together."""
    row = connection.execute(
        "SELECT * FROM customer WHERE email = ? AND gsm_number = ?", (email, gsm_number)
    ).fetchone()
    return None if row is None else _customer(row)


def all_customers(connection: sqlite3.Connection) -> list[Customer]:
    return [_customer(row) for row in connection.execute("SELECT * FROM customer ORDER BY rowid")]


def subscription_of(connection: sqlite3.Connection, reference: str) -> Subscription:
    """The subscription, or 11."""
    row = connection.execute("SELECT * FROM subscription WHERE reference = ?", (reference,)).fetchone()
    return Subscription(*_found(row, "subscription"))


def all_subscriptions(connection: sqlite3.Connection) -> list[Subscription]:
    return [Subscription(*row) for row in connection.execute("SELECT * FROM subscription ORDER BY rowid")]


def order_of(connection: sqlite3.Connection, reference: str) -> PeriodOrder:
    """The order, or 11."""
    row = connection.execute("SELECT * FROM period_order WHERE reference = ?", (reference,)).fetchone()
    return PeriodOrder(*_found(row, "order"))


def orders_of(connection: sqlite3.Connection, subscription: str) -> list[tuple[PeriodOrder, list[str]]]:
    """The orders of a subscription, each with the payments that were tried for it."""
    orders = connection.execute(
        "SELECT * FROM period_order WHERE subscription = ? ORDER BY rowid", (subscription,)
    ).fetchall()
    attempts = "SELECT payment_id FROM order_attempt WHERE order_reference = ? ORDER BY rowid"
    return [
        (PeriodOrder(*row), [str(payment_id) for (payment_id,) in connection.execute(attempts, (row[0],))])
        for row in orders
    ]


def _found(row: tuple[Any, ...] | None, what: str) -> tuple[Any, ...]:
    if row is None:
        raise Refused("11", detail=f"there is no {what} with this reference")
    return row


def _customer(row: tuple[Any, ...]) -> Customer:
    reference, email, gsm_number, details, card_name, created_ms = row
    return Customer(reference, email, gsm_number, json.loads(details), card_name, created_ms)


def _without_none(fields: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}
