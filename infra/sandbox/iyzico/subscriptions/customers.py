"""The customers of subscriptions. Every operation is a step of the books."""

import json
import sqlite3
import uuid

from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import Json, optional_text, section, text
from infra.sandbox.iyzico.paging import paged
from infra.sandbox.iyzico.subscriptions.records import (
    Customer,
    all_customers,
    all_subscriptions,
    customer_like,
    customer_of,
)
from infra.sandbox.iyzico.validation import check_address, check_email, check_identity

_NAMES = ("name", "surname", "email", "gsmNumber", "identityNumber", "billingAddress", "shippingAddress")
_RUNNING = ("ACTIVE", "PENDING", "UNPAID")


def create_customer(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /customers: email and phone together are taken once."""
    details = read_customer(call.body)
    if customer_like(connection, str(details["email"]), str(details["gsmNumber"])):
        raise Refused("11", detail="there is a customer with this email and gsmNumber")
    return {"data": add_customer(connection, details, call.now_ms).shown}


def list_customers(connection: sqlite3.Connection, call: Call) -> Result:
    """GET /customers."""
    return {"data": paged([customer.shown for customer in all_customers(connection)], call.query)}


def get_customer(connection: sqlite3.Connection, call: Call) -> Result:
    """GET /customers/{customer}."""
    return {"data": customer_of(connection, call.names["customer"]).shown}


def update_customer(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /customers/{customer}: what is sent replaces what was there."""
    customer = customer_of(connection, call.names["customer"])
    sent = {name: call.body[name] for name in _NAMES if call.body.get(name) is not None}
    details = read_customer(dict(customer.details) | sent)
    twin = customer_like(connection, str(details["email"]), str(details["gsmNumber"]))
    if twin is not None and twin.reference != customer.reference:
        raise Refused("11", detail="there is another customer with this email and gsmNumber")
    connection.execute(
        "UPDATE customer SET email = ?, gsm_number = ?, details = ? WHERE reference = ?",
        (details["email"], details["gsmNumber"], json.dumps(details), customer.reference),
    )
    return {"data": customer_of(connection, customer.reference).shown}


def delete_customer(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /customers/delete/{customer}: once nothing of theirs runs. What they had is remembered without them."""
    customer = customer_of(connection, call.names["customer"])
    theirs = [one for one in all_subscriptions(connection) if one.customer == customer.reference]
    if any(one.status in _RUNNING for one in theirs):
        raise Refused("11", detail="the customer has subscriptions that run")
    connection.execute("DELETE FROM customer WHERE reference = ?", (customer.reference,))
    return {}


def read_customer(body: Json) -> dict[str, object]:
    """A person with a billing address.

    Raises:
        Refused: the first field that is wrong, under its own code.
    """
    for name in ("name", "surname"):
        text(body, name)
    check_email(body)
    text(body, "gsmNumber", missing="25")
    check_identity(body)
    check_address(section(body, "billingAddress", missing="24"), "billingAddress")
    if body.get("shippingAddress") is not None:
        check_address(section(body, "shippingAddress"), "shippingAddress")
    optional_text(body, "conversationId", at_most=255, too_long="20")
    return {name: body[name] for name in _NAMES if body.get(name) is not None}


def add_customer(connection: sqlite3.Connection, details: dict[str, object], now_ms: int) -> Customer:
    """A new customer in the books."""
    reference = str(uuid.uuid4())
    connection.execute(
        "INSERT INTO customer (reference, email, gsm_number, details, created_ms) VALUES (?, ?, ?, ?, ?)",
        (reference, details["email"], details["gsmNumber"], json.dumps(details), now_ms),
    )
    return customer_of(connection, reference)
