"""Products and their pricing plans. Every operation is a step of the books."""

import sqlite3
import uuid

from infra.sandbox.iyzico.amounts import read_price
from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import Json, one_of, optional_text, text
from infra.sandbox.iyzico.paging import paged
from infra.sandbox.iyzico.subscriptions.records import plan_of, plans_of

_CURRENCIES = frozenset({"TRY", "USD", "EUR"})
_INTERVALS = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})


def create_product(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /products: a name may be used again."""
    reference = str(uuid.uuid4())
    connection.execute(
        "INSERT INTO product (reference, name, description, created_ms) VALUES (?, ?, ?, ?)",
        (reference, text(call.body, "name"), optional_text(call.body, "description"), call.now_ms),
    )
    return {"data": _product(connection, reference)}


def list_products(connection: sqlite3.Connection, call: Call) -> Result:
    """GET /products."""
    found = connection.execute("SELECT reference FROM product ORDER BY rowid").fetchall()
    return {"data": paged([_product(connection, reference) for (reference,) in found], call.query)}


def get_product(connection: sqlite3.Connection, call: Call) -> Result:
    """GET /products/{product}."""
    return {"data": _product(connection, call.names["product"])}


def update_product(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /products/{product}."""
    reference = call.names["product"]
    _product(connection, reference)
    connection.execute(
        "UPDATE product SET name = ?, description = ? WHERE reference = ?",
        (text(call.body, "name"), optional_text(call.body, "description"), reference),
    )
    return {"data": _product(connection, reference)}


def delete_product(connection: sqlite3.Connection, call: Call) -> Result:
    """DELETE /products/{product}: once it has no plans."""
    reference = call.names["product"]
    _product(connection, reference)
    if plans_of(connection, reference):
        raise Refused("11", detail="the product has pricing plans")
    connection.execute("DELETE FROM product WHERE reference = ?", (reference,))
    return {}


def create_plan(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /products/{product}/pricing-plans."""
    _product(connection, call.names["product"])
    one_of(call.body, "planPaymentType", frozenset({"RECURRING"}), None)
    reference = str(uuid.uuid4())
    connection.execute(
        "INSERT INTO plan (reference, product, name, price_minor, currency, interval, interval_count, trial_days, "
        "recurrences, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            reference,
            call.names["product"],
            text(call.body, "name"),
            read_price(call.body.get("price"), "price"),
            one_of(call.body, "currencyCode", _CURRENCIES, None),
            one_of(call.body, "paymentInterval", _INTERVALS, None),
            _count(call.body, "paymentIntervalCount", at_least=1) or 1,
            _count(call.body, "trialPeriodDays", at_least=0) or 0,
            _count(call.body, "recurrenceCount", at_least=1),
            call.now_ms,
        ),
    )
    return {"data": plan_of(connection, reference).shown}


def list_plans(connection: sqlite3.Connection, call: Call) -> Result:
    """GET /products/{product}/pricing-plans."""
    _product(connection, call.names["product"])
    return {"data": paged([plan.shown for plan in plans_of(connection, call.names["product"])], call.query)}


def get_plan(connection: sqlite3.Connection, call: Call) -> Result:
    """GET /pricing-plans/{plan}."""
    return {"data": plan_of(connection, call.names["plan"]).shown}


def update_plan(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /pricing-plans/{plan}: name and trial alone; what was agreed on stays."""
    plan = plan_of(connection, call.names["plan"])
    trial_days = _count(call.body, "trialPeriodDays", at_least=0)
    connection.execute(
        "UPDATE plan SET name = ?, trial_days = ? WHERE reference = ?",
        (text(call.body, "name"), plan.trial_days if trial_days is None else trial_days, plan.reference),
    )
    return {"data": plan_of(connection, plan.reference).shown}


def delete_plan(connection: sqlite3.Connection, call: Call) -> Result:
    """DELETE /pricing-plans/{plan}: unless somebody has subscribed to it."""
    plan = plan_of(connection, call.names["plan"])
    if connection.execute("SELECT 1 FROM subscription WHERE plan = ?", (plan.reference,)).fetchone():
        raise Refused("11", detail="the pricing plan has subscriptions")
    connection.execute("DELETE FROM plan WHERE reference = ?", (plan.reference,))
    return {}


def _product(connection: sqlite3.Connection, reference: str) -> dict[str, object]:
    row = connection.execute(
        "SELECT name, description, created_ms FROM product WHERE reference = ?", (reference,)
    ).fetchone()
    if row is None:
        raise Refused("11", detail="there is no product with this reference")
    name, description, created_ms = row
    shown: dict[str, object] = {"referenceCode": reference, "createdDate": created_ms, "name": name, "status": "ACTIVE"}
    if description is not None:
        shown["description"] = description
    return shown | {"pricingPlans": [plan.shown for plan in plans_of(connection, reference)]}


def _count(body: Json, name: str, *, at_least: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value
    if isinstance(number, bool) or not isinstance(number, int) or number < at_least:
        raise Refused("11", detail=f"{name} must be a number from {at_least}")
    return number
