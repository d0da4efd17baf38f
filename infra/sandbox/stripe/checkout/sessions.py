"""Checkout Sessions: made, looked up, closed.

Source: docs.stripe.com: API reference, Checkout Sessions; How Checkout works.
"""

from typing import Any, Final

from infra.sandbox.stripe import holds
from infra.sandbox.stripe.amounts import read_currency, require_chargeable
from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.confirming import KIND as INTENT
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.fields import Fields
from infra.sandbox.stripe.products import PRICE, new_price
from infra.sandbox.stripe.refusing import Refused, invalid
from infra.sandbox.stripe.shelf import Document, new_id

KIND: Final = "checkout.session"
_LASTS_S: Final = 24 * 3600
_SHORTEST_S: Final = 30 * 60
_CAPTURES: Final = ("automatic", "automatic_async", "manual")
_MODES: Final = ("payment", "setup", "subscription")
_LEFT_OUT: Final = """
after_expiration allow_promotion_codes billing_address_collection client_secret consent consent_collection
currency_conversion invoice invoice_creation locale origin_context payment_intent payment_link
payment_method_configuration_details redirect_on_completion setup_intent shipping_address_collection shipping_cost
submit_type subscription
"""


def create(call: Call) -> Document:
    fields, shelf = call.fields, call.shelf
    mode = fields.choice("mode", _MODES)
    if mode is None:
        raise invalid("Missing required param: mode.", "mode", "parameter_missing")
    customer = fields.optional("customer")
    if customer is not None:
        shelf.get("customer", customer, "customer")
    success_url = fields.text("success_url")
    lines = _lines(call, mode)
    currency = lines[0]["price"]["currency"] if lines else fields.optional("currency")
    total = sum(line["amount_total"] for line in lines)
    if mode == "payment":
        require_chargeable(total, str(currency), "line_items")
    identifier = new_id("cs_test_a1")
    session = shelf.add(
        {
            **_plain(),
            "id": identifier,
            "object": KIND,
            "amount_subtotal": None if mode == "setup" else total,
            "amount_total": None if mode == "setup" else total,
            "cancel_url": fields.optional("cancel_url"),
            "client_reference_id": fields.optional("client_reference_id"),
            "created": shelf.now_s,
            "currency": currency,
            "customer": customer,
            "customer_creation": _customer_creation(fields, mode, customer),
            "customer_details": None,
            "customer_email": fields.optional("customer_email"),
            "expires_at": _expires_at(call),
            "line_items": {"object": "list", "data": lines, "has_more": False, "url": f"{call.path}/{identifier}"},
            "metadata": fields.metadata(),
            "mode": mode,
            "payment_method_collection": "always" if mode == "subscription" else "if_required",
            "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
            "success_url": success_url,
            "url": f"{call.origin}/pay/{identifier}",
            "_asked": _asked(fields),
        }
    )
    shelf.falls_due("page_expires", identifier, session["expires_at"] - shelf.now_s)
    return session


def retrieve(call: Call) -> Document:
    return call.shelf.get(KIND, call.identifier, "session")


def list_sessions(call: Call) -> Document:
    about = {name: call.fields.optional(name) for name in ("customer", "payment_intent", "status", "subscription")}
    return listed(call, KIND, read_page(call, "created"), **about)


def expire(call: Call) -> Document:
    session = retrieve(call)
    if session["status"] != "open":
        message = f"Only Checkout Sessions with a status in ['open'] can be expired; this one is {session['status']}."
        raise Refused(message)
    return expired(call, session)


def expired(call: Call, session: Document) -> Document:
    """Nobody can pay there any more."""
    intent = call.shelf.find(str(session["payment_intent"]), INTENT)
    if intent is not None and intent["status"] in {"requires_payment_method", "requires_action"}:
        holds.cancelled(call, intent, "automatic")
    session = call.shelf.save(session | {"status": "expired", "url": None})
    tell(call, "checkout.session.expired", session)
    return session


def lapse(call: Call, identifier: str) -> None:
    session = call.shelf.known(KIND, identifier)
    if session["status"] == "open":
        expired(call, session)


def _lines(call: Call, mode: str) -> list[dict[str, Any]]:
    """Raises: Refused: there is none, one has no price, or they are of several currencies."""
    rows = call.fields.rows("line_items")
    if not rows and mode != "setup":
        raise invalid("Missing required param: line_items.", "line_items", "parameter_missing")
    lines = [_line(call, row, mode) for row in rows]
    if len({line["currency"] for line in lines}) > 1:
        raise Refused("All line items must have the same currency.", param="line_items")
    return lines


def _line(call: Call, row: Fields, mode: str) -> dict[str, Any]:
    if "price" in row:
        price = call.shelf.get(PRICE, row.text("price"), row.named("price"))
    else:
        price = _price_of(call, row.inner("price_data"))
    if mode == "payment" and price["recurring"] is not None:
        raise Refused("You specified `payment` mode but passed a recurring price.", param="line_items")
    if mode == "subscription" and price["recurring"] is None:
        raise Refused("You must provide at least one recurring price in `subscription` mode.", param="line_items")
    quantity = row.number("quantity") or 0
    if quantity < 1:
        raise invalid("Missing required param: quantity.", row.named("quantity"), "parameter_missing")
    amount = price["unit_amount"] * quantity
    return {
        "id": new_id("li_1"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": price["nickname"],
        "metadata": {},
        "price": price,
        "quantity": quantity,
    }


def _price_of(call: Call, fields: Fields) -> Document:
    """A price that is made for the page alone."""
    currency = read_currency(fields)
    product = fields.optional("product")
    if product is None:
        name = fields.inner("product_data").text("name")
        return new_price(call, new_id("prod_")[:19], currency, fields, nickname=name)
    return new_price(call, call.shelf.get("product", product, fields.named("product"))["id"], currency, fields)


def _asked(fields: Fields) -> dict[str, Any]:
    """What the intent or subscription is to be like that the buyer's act makes."""
    payment, subscription = fields.inner("payment_intent_data"), fields.inner("subscription_data")
    return {
        "capture_method": payment.choice("capture_method", _CAPTURES) or "automatic_async",
        "setup_future_usage": payment.choice("setup_future_usage", ("off_session", "on_session")),
        "description": payment.optional("description"),
        "metadata": (payment if "payment_intent_data" in fields else fields.inner("setup_intent_data")).metadata(),
        "subscription_metadata": subscription.metadata(),
        "trial_period_days": subscription.number("trial_period_days"),
    }


def _customer_creation(fields: Fields, mode: str, customer: str | None) -> str | None:
    wanted = fields.choice("customer_creation", ("always", "if_required"))
    if wanted is not None and mode == "subscription":
        raise Refused("`customer_creation` can only be used in `payment` and `setup` mode.", param="customer_creation")
    if customer is not None:
        if wanted is not None:
            raise Refused("You may only specify one of `customer` and `customer_creation`.", param="customer_creation")
        return None
    return wanted or ("always" if mode == "subscription" else "if_required")


def _expires_at(call: Call) -> int:
    asked, now_s = call.fields.number("expires_at"), call.shelf.now_s
    if asked is None:
        return now_s + _LASTS_S
    if not now_s + _SHORTEST_S <= asked <= now_s + _LASTS_S:
        raise invalid("The `expires_at` timestamp must be 30 minutes to 24 hours from now.", "expires_at")
    return asked


def _plain() -> dict[str, Any]:
    """What is the same of every page here."""
    none = dict.fromkeys(_LEFT_OUT.split())
    return none | {
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "livemode": False,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
    }
