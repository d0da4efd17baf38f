"""What stands in the books, as values: everything that has an id, and every movement of the merchant's money."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from infra.sandbox.exact_json import to_json

Kind = Literal[
    "order",
    "authorization",
    "capture",
    "refund",
    "setup_token",
    "payment_token",
    "product",
    "plan",
    "subscription",
    "sale",
    "dispute",
]
Moved = Literal["capture", "sale", "fee", "refund", "dispute", "dispute_returned"]

_COLUMNS = "resource_id, kind, parent, body, due_ms, created_ms"
_TAKEN = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})


@dataclass(slots=True)
class Resource:
    """One of PayPal's things; it is changed in place and then saved. Names with an underscore are never answered."""

    resource_id: str
    kind: Kind
    parent: str | None
    body: dict[str, Any]
    due_ms: int | None
    created_ms: int

    @property
    def status(self) -> str:
        return str(self.body.get("status", ""))


@dataclass(frozen=True, slots=True)
class Movement:
    """One change of the merchant's balance; `about` is the order or the subscription."""

    kind: Moved
    reference: str
    about: str | None
    custom_id: str | None
    invoice_id: str | None
    currency: str
    amount_minor: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums and counts that a hub's own tables are balanced against; sums by currency, minor units of ISO 4217.

    Attributes:
        counts: of orders, by status.
        charges_by_custom_id: how many orders with this `custom_id` took money.
    """

    counts: Mapping[str, int]
    captured_minor: Mapping[str, int]
    refunded_minor: Mapping[str, int]
    balance_minor: Mapping[str, int]
    charges_by_custom_id: Mapping[str, int]

    @property
    def charged_more_than_once(self) -> tuple[str, ...]:
        return tuple(custom_id for custom_id, count in self.charges_by_custom_id.items() if count > 1)


def insert(connection: sqlite3.Connection, resource: Resource) -> Resource:
    connection.execute(
        f"INSERT INTO resource ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 -- names of our own
        (
            resource.resource_id,
            resource.kind,
            resource.parent,
            to_json(resource.body),
            resource.due_ms,
            resource.created_ms,
        ),
    )
    return resource


def save(connection: sqlite3.Connection, resource: Resource) -> None:
    connection.execute(
        "UPDATE resource SET parent = ?, body = ?, due_ms = ? WHERE resource_id = ?",
        (resource.parent, to_json(resource.body), resource.due_ms, resource.resource_id),
    )


def delete(connection: sqlite3.Connection, resource: Resource) -> None:
    connection.execute("DELETE FROM resource WHERE resource_id = ?", (resource.resource_id,))


def find(connection: sqlite3.Connection, kind: Kind, resource_id: str) -> Resource | None:
    return next(iter(_rows(connection, "resource_id = ? AND kind = ?", resource_id, kind)), None)


def the(connection: sqlite3.Connection, kind: Kind, resource_id: str) -> Resource:
    """One that must be there."""
    found = find(connection, kind, resource_id)
    if found is None:
        raise LookupError(f"{kind} {resource_id} is not in the books")
    return found


def children(connection: sqlite3.Connection, kind: Kind, parent: str) -> list[Resource]:
    """In the order they were made."""
    return _rows(connection, "parent = ? AND kind = ?", parent, kind)


def all_of(connection: sqlite3.Connection, kind: Kind) -> list[Resource]:
    """In the order they were made."""
    return _rows(connection, "kind = ?", kind)


def due(connection: sqlite3.Connection, now_ms: int) -> list[Resource]:
    """What time changes now, the earliest first."""
    found = _rows(connection, "due_ms <= ?", now_ms)
    return sorted(found, key=lambda resource: resource.due_ms or 0)


def next_due_ms(connection: sqlite3.Connection) -> int | None:
    """When time alone changes something again, or the merchant is to be called."""
    row = connection.execute(
        "SELECT min(due_ms) FROM (SELECT due_ms FROM resource UNION ALL SELECT due_ms FROM event)"
    ).fetchone()
    found: int | None = row[0]
    return found


def move(connection: sqlite3.Connection, movement: Movement) -> None:
    connection.execute(
        "INSERT INTO movement (kind, reference, about, custom_id, invoice_id, currency, amount_minor, at_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            movement.kind,
            movement.reference,
            movement.about,
            movement.custom_id,
            movement.invoice_id,
            movement.currency,
            movement.amount_minor,
            movement.at_ms,
        ),
    )


def all_movements(connection: sqlite3.Connection) -> tuple[Movement, ...]:
    """In order of time."""
    return tuple(
        Movement(*row)
        for row in connection.execute(
            "SELECT kind, reference, about, custom_id, invoice_id, currency, amount_minor, at_ms FROM movement "
            "ORDER BY at_ms, movement_id"
        )
    )


def totals_of(connection: sqlite3.Connection) -> Totals:
    movements = all_movements(connection)
    orders = all_of(connection, "order")
    return Totals(
        counts=dict(Counter(order.status for order in orders)),
        captured_minor=_sums(movements, "capture", 1),
        refunded_minor=_sums(movements, "refund", -1),
        balance_minor=_sums(movements, None, 1),
        charges_by_custom_id=_charges(connection, orders),
    )


def _charges(connection: sqlite3.Connection, orders: Iterable[Resource]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for order in orders:
        taken = [c for c in children(connection, "capture", order.resource_id) if c.status in {*_TAKEN, "PENDING"}]
        custom_id = order.body["purchase_units"][0].get("custom_id")
        if taken and custom_id is not None:
            found[custom_id] += 1
    return dict(found)


def _sums(movements: Iterable[Movement], kind: Moved | None, sign: int) -> dict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for movement in movements:
        if kind is None or movement.kind == kind:
            found[movement.currency] += sign * movement.amount_minor
    return dict(found)


def _rows(connection: sqlite3.Connection, where: str, *values: str | int) -> list[Resource]:
    statement = f"SELECT {_COLUMNS} FROM resource WHERE {where} ORDER BY position"  # noqa: S608 -- names of our own
    return [
        Resource(resource_id, kind, parent, json.loads(body), due_ms, created_ms)
        for resource_id, kind, parent, body, due_ms, created_ms in connection.execute(statement, values)
    ]
