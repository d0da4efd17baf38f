"""Customers.

Source: docs.stripe.com: API reference, Customers.
"""

import secrets
from typing import Any

from infra.sandbox.stripe import methods
from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.refusing import Refused, missing
from infra.sandbox.stripe.shelf import Document, new_id

_TEXTS = ("description", "email", "name", "phone")


def create(call: Call) -> Document | Refused:
    """With a payment method, it is attached; without saying so, not the one that bills are paid with."""
    fields, shelf = call.fields, call.shelf
    settings = fields.inner("invoice_settings")
    customer: Document = {
        "id": new_id("cus_")[:18],
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": shelf.now_s,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        **{name: fields.optional(name) for name in _TEXTS},
        "discount": None,
        "invoice_prefix": secrets.token_hex(4),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": fields.metadata(),
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    shelf.add(customer)
    given = fields.optional("payment_method")
    if given is not None:
        kept = methods.attached(call, methods.found(call, given, "payment_method"), customer["id"])
        if isinstance(kept, Refused):
            raise kept
        given = kept["id"]
    wanted = settings.optional("default_payment_method")
    if wanted is not None:
        # A test payment method becomes another one each time that it is named.
        same = given is not None and wanted == fields.optional("payment_method")
        _set_default(call, customer, given if same and given is not None else wanted)
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
        _set_default(call, customer, wanted)
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


def _set_default(call: Call, customer: Document, wanted: str) -> None:
    """Raises: Refused: the payment method is not the customer's."""
    method = call.shelf.get(methods.KIND, wanted, "invoice_settings[default_payment_method]")
    if method["customer"] != customer["id"]:
        message = "The customer does not have this payment method attached."
        raise Refused(message, code="resource_missing", param="invoice_settings[default_payment_method]")
    customer["invoice_settings"] = customer["invoice_settings"] | {"default_payment_method": wanted}
    call.shelf.save(customer)
