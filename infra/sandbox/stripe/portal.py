"""The customer portal: a page on which a customer gives another card.

Source: docs.stripe.com: API reference, Customer portal sessions.
"""

from typing import Final

from infra.sandbox.html import button, choice, form, page, paragraph
from infra.sandbox.stripe import methods
from infra.sandbox.stripe.call import Call
from infra.sandbox.stripe.cards import CARDS
from infra.sandbox.stripe.pages import Leave, Shown, over
from infra.sandbox.stripe.refusing import Refused, invalid
from infra.sandbox.stripe.shelf import Document, new_id

KIND: Final = "billing_portal.session"
_FLOWS: Final = ("customer_update", "payment_method_update", "subscription_cancel", "subscription_update")


def create(call: Call) -> Document:
    fields = call.fields
    if not call.account.portal:
        message = "No configuration provided, and the default one has not been created."
        raise Refused(message, param="configuration", executed=False)
    customer = call.shelf.get("customer", fields.text("customer"), "customer")
    flow = fields.inner("flow_data")
    kind = flow.choice("type", _FLOWS)
    if "flow_data" in fields and kind is None:
        raise invalid("Missing required param: flow_data[type].", "flow_data[type]", "parameter_missing")
    identifier = new_id("bps_1")
    return call.shelf.add(
        {
            "id": identifier,
            "object": KIND,
            "configuration": "bpc_1KolajSandbox",
            "created": call.shelf.now_s,
            "customer": customer["id"],
            "flow": None if kind is None else {"after_completion": {"type": "portal_homepage"}, "type": kind},
            "livemode": False,
            "locale": None,
            "on_behalf_of": None,
            "return_url": fields.optional("return_url"),
            "url": f"{call.origin}/portal/{identifier}",
        }
    )


def show(call: Call, problem: str = "") -> Shown | Leave:
    if call.shelf.find(call.identifier, KIND) is None:
        return over("There is no such page.")
    alert = paragraph(problem, alert=True) if problem else ""
    parts = (choice("payment_method", "Card", [(name, name) for name in CARDS]), button("Add", "action", "add"))
    return Shown(page("Payment method", alert, form("", *parts, button("Back", "action", "leave"))))


def use(call: Call) -> Shown | Leave:
    """The card given is what the customer's bills are paid with from now on."""
    session = call.shelf.find(call.identifier, KIND)
    if session is None:
        return over("There is no such page.")
    if call.fields.optional("action") != "leave":
        method = methods.found(call, call.fields.text("payment_method"), "payment_method")
        kept = methods.attached(call, method, session["customer"])
        if isinstance(kept, Refused):
            return show(call, str(kept))
        customer = call.shelf.known("customer", session["customer"])
        settings = customer["invoice_settings"] | {"default_payment_method": kept["id"]}
        call.shelf.save(customer | {"invoice_settings": settings})
    return Leave(session["return_url"]) if session["return_url"] else over("Your changes are saved.")
