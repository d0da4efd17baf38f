"""What stands in the books, as values: payments, refunds, and every movement of the account's money.

Amounts are in Stripe's own unit of their currency.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BookedPayment:
    """One payment intent as it stands."""

    payment_id: str
    state: str
    currency: str
    amount_minor: int
    received_minor: int
    metadata: Mapping[str, str]
    created_ms: int


@dataclass(frozen=True, slots=True)
class BookedRefund:
    refund_id: str
    payment_id: str
    state: str
    currency: str
    amount_minor: int
    metadata: Mapping[str, str]
    created_ms: int


@dataclass(frozen=True, slots=True)
class Movement:
    """One change of the account's balance. `reference` is the payment intent, or the payout."""

    kind: str
    reference: str
    currency: str
    amount_minor: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums and counts that a hub's own tables are balanced against; sums by currency."""

    counts: Mapping[str, int]
    paid_minor: Mapping[str, int]
    refunded_minor: Mapping[str, int]
    balance_minor: Mapping[str, int]


def all_payments(connection: sqlite3.Connection) -> tuple[BookedPayment, ...]:
    """In the order they were begun."""
    return tuple(
        BookedPayment(
            intent["id"],
            intent["status"],
            intent["currency"],
            intent["amount"],
            intent["amount_received"],
            intent["metadata"],
            intent["created"] * 1000,
        )
        for intent in _documents(connection, "payment_intent")
    )


def all_refunds(connection: sqlite3.Connection) -> tuple[BookedRefund, ...]:
    """In the order they were made."""
    return tuple(
        BookedRefund(
            refund["id"],
            refund["payment_intent"],
            refund["status"],
            refund["currency"],
            refund["amount"],
            refund["metadata"],
            refund["created"] * 1000,
        )
        for refund in _documents(connection, "refund")
    )


def all_movements(connection: sqlite3.Connection) -> tuple[Movement, ...]:
    """Every change of the account's balance, in order of time; a fee is one of its own."""
    payments = {
        source["id"]: source["payment_intent"]
        for kind in ("charge", "refund", "dispute")
        for source in _documents(connection, kind)
    }
    found = []
    for line in _documents(connection, "balance_transaction"):
        reference, at_ms = payments.get(line["source"]) or line["source"], line["created"] * 1000
        kind = "payment" if line["type"] == "charge" else line["reporting_category"]
        if line["amount"]:
            found.append(Movement(kind, reference, line["currency"], line["amount"], at_ms))
        if line["fee"]:
            found.append(Movement("fee", reference, line["currency"], -line["fee"], at_ms))
    return tuple(found)


def totals_of(payments: Iterable[BookedPayment], movements: Iterable[Movement]) -> Totals:
    """Sums and counts over what the books hold."""
    paid: defaultdict[str, int] = defaultdict(int)
    refunded: defaultdict[str, int] = defaultdict(int)
    balance: defaultdict[str, int] = defaultdict(int)
    for movement in movements:
        balance[movement.currency] += movement.amount_minor
        if movement.kind == "payment":
            paid[movement.currency] += movement.amount_minor
        elif movement.kind in {"refund", "refund_failure"}:
            refunded[movement.currency] -= movement.amount_minor
    counts = Counter(payment.state for payment in payments)
    return Totals(dict(counts), dict(paid), dict(refunded), dict(balance))


def _documents(connection: sqlite3.Connection, kind: str) -> list[dict[str, Any]]:
    rows = connection.execute("SELECT body FROM document WHERE kind = ? ORDER BY position", (kind,))
    return [json.loads(row[0]) for row in rows]
