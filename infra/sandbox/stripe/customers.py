"""Customers.

Source: docs.stripe.com: API reference, Customers.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from infra.sandbox.stripe import methods
from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.refusing import Refused, missing
from infra.sandbox.stripe.shelf import Document, new_id
from infra.sandbox.stripe.subscriptions.billing import OVER, ended

_TEXTS = ("description", "email", "name", "phone")


def create(call: Call) -> Document | Refused:
    """With a payment method, it is attached; without saying so, not the one that bills are paid with."""
    fields = call.fields
    customer = new_customer(call, {name: fields.optional(name) for name in _TEXTS}, fields.metadata())
    given = fields.optional("payment_method")
    if given is not None:
        kept = methods.attached(call, methods.found(call, given, "payment_method"), customer["id"])
        if isinstance(kept, Refused):
            raise kept
        given = kept["id"]
    wanted = fields.inner("invoice_settings").optional("default_payment_method")
    if wanted is not None:
        # A test payment method becomes another one each time that it is named.
        same = given is not None and wanted == fields.optional("payment_method")
        customer = _with_default(call, customer, given if same and given is not None else wanted)
    return customer


def new_customer(call: Call, texts: Mapping[str, str | None], metadata: dict[str, str] | None = None) -> Document:
    customer = call.shelf.add(
        {
            "id": new_id("cus_")[:18],
            "object": "customer",
            "address": None,
            "balance": 0,
            "created": call.shelf.now_s,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            **dict.fromkeys(_TEXTS),
            **texts,
            "discount": None,
            "invoice_prefix": secrets.token_hex(4),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": metadata or {},
            "next_invoice_sequence": 1,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        }
    )
    tell(call, "customer.created", customer)
    return customer


def update(call: Call) -> Document:
    customer = retrieve(call)
    if customer.get("deleted"):
        raise missing("customer", call.identifier, "id")
    fields = call.fields
    changed: dict[str, Any] = {name: fields.optional(name) for name in _TEXTS if name in fields}
    customer = customer | changed | {"metadata": fields.metadata(customer["metadata"])}
    wanted = fields.inner("invoice_settings").optional("default_payment_method")
    if wanted is not None:
        customer = _with_default(call, customer, wanted)
    call.shelf.save(customer)
    tell(call, "customer.updated", customer)
    return customer


def retrieve(call: Call) -> Document:
    gone = call.shelf.find(call.identifier, "deleted_customer")
    if gone is not None:
        return {"id": gone["id"], "object": "customer", "deleted": True}
    return call.shelf.get("customer", call.identifier, "id")


def delete(call: Call) -> Document:
    """What was attached is detached; running subscriptions end."""
    customer = call.shelf.get("customer", call.identifier, "id")
    for subscription in call.shelf.every("subscription", customer=customer["id"]):
        if subscription["status"] not in OVER:
            ended(call, subscription)
    for method in call.shelf.every(methods.KIND, customer=customer["id"]):
        call.shelf.save(method | {"customer": None, "_used": True})
    call.shelf.connection.execute(
        "UPDATE document SET kind = 'deleted_customer' WHERE account = ? AND id = ?",
        (call.shelf.account, customer["id"]),
    )
    tell(call, "customer.deleted", customer)
    return {"id": customer["id"], "object": "customer", "deleted": True}


def list_customers(call: Call) -> Document:
    return listed(call, "customer", read_page(call, "created"), email=call.fields.optional("email"))


def _with_default(call: Call, customer: Document, wanted: str) -> Document:
    """Raises: Refused: the payment method is not the customer's."""
    method = call.shelf.get(methods.KIND, wanted, "invoice_settings[default_payment_method]")
    if method["customer"] != customer["id"]:
        message = "The customer does not have this payment method attached."
        raise Refused(message, code="resource_missing", param="invoice_settings[default_payment_method]")
    settings = customer["invoice_settings"] | {"default_payment_method": wanted}
    return call.shelf.save(customer | {"invoice_settings": settings})
