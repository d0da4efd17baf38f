"""How subscriptions begin.

Source: docs.stripe.com: API reference, Subscriptions, "Create a subscription"; How subscriptions work.
"""

from typing import Any, Final

from infra.sandbox.stripe.call import Call
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.fields import Fields
from infra.sandbox.stripe.intents import off_session
from infra.sandbox.stripe.products import PRICE
from infra.sandbox.stripe.refusing import Refused, invalid
from infra.sandbox.stripe.shelf import Document, new_id
from infra.sandbox.stripe.subscriptions import invoices
from infra.sandbox.stripe.subscriptions.billing import (
    INCOMPLETE_S,
    KIND,
    amount_of,
    begin_period,
    bill,
)

BEHAVIORS: Final = ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
_DAY_S: Final = 24 * 3600
_MOST_ITEMS: Final = 20


def create(call: Call) -> Document:
    """Where the first charge has to succeed and does not, nothing stands afterwards."""
    fields, shelf = call.fields, call.shelf
    customer = shelf.get("customer", fields.text("customer"), "customer")
    items = read_items(call)
    trial_days = fields.number("trial_period_days")
    if trial_days is None and fields.flag("trial_from_plan"):
        trial_days = items[0]["price"]["recurring"]["trial_period_days"]
    wanted = fields.optional("default_payment_method")
    if (
        wanted is not None
        and shelf.get("payment_method", wanted, "default_payment_method")["customer"] != customer["id"]
    ):
        raise invalid("The customer does not have this payment method attached.", "default_payment_method")
    subscription = new_subscription(
        call,
        customer["id"],
        items,
        metadata=fields.metadata(),
        method=wanted,
        collection=fields.choice("collection_method", ("charge_automatically", "send_invoice")),
        cancel_at_period_end=fields.flag("cancel_at_period_end"),
    )
    behavior = fields.choice("payment_behavior", BEHAVIORS) or "allow_incomplete"
    return begin(call, subscription, behavior, trial_days=trial_days or 0, alone=off_session(fields))


def begin(call: Call, subscription: Document, behavior: str, *, trial_days: int, alone: bool) -> Document:
    """The first period, its bill, and the attempt to have it paid.

    Raises:
        Refused: it is not paid, and `behavior` wants that.
    """
    shelf = call.shelf
    if trial_days:
        ends_s = shelf.now_s + trial_days * _DAY_S
        trial = {"status": "trialing", "trial_start": shelf.now_s, "trial_end": ends_s}
        subscription = begin_period(call, subscription | trial, ends_s)
        invoice = invoices.new_invoice(call, subscription, 0, "subscription_create")
        return _begun(call, subscription | {"latest_invoice": invoice["id"]})
    subscription = begin_period(call, subscription)
    shelf.save(subscription)
    if behavior == "default_incomplete" and amount_of(subscription):
        invoice = invoices.prepare(
            call, invoices.new_invoice(call, subscription, amount_of(subscription), "subscription_create")
        )
        return _incomplete(call, subscription | {"latest_invoice": invoice["id"]})
    paid = bill(call, subscription, "subscription_create", off_session=alone)
    if isinstance(paid, Refused) and behavior == "error_if_incomplete":
        raise paid
    subscription = shelf.known(KIND, subscription["id"])
    if shelf.known("invoice", subscription["latest_invoice"])["status"] == "paid":
        return _begun(call, subscription)
    if behavior == "error_if_incomplete":
        message = "Payment for this subscription requires additional user action before it can be completed."
        raise Refused(message, status=402, kind="card_error", code="subscription_payment_intent_requires_action")
    return _incomplete(call, subscription)


def read_items(call: Call) -> list[dict[str, Any]]:
    """The lines of a new subscription.

    Raises:
        Refused: there is none, a price does not recur, or they are of different periods or currencies.
    """
    rows = call.fields.rows("items")
    if not 0 < len(rows) <= _MOST_ITEMS:
        raise invalid("Missing required param: items.", "items", "parameter_missing")
    items = [new_item(call, _price(call, row), row.number("quantity") or 1) for row in rows]
    prices = [item["price"] for item in items]
    periods = {(one["currency"], one["recurring"]["interval"], one["recurring"]["interval_count"]) for one in prices}
    if len(periods) > 1:
        raise Refused("All prices on a subscription must have the same currency and interval.", param="items")
    return items


def new_item(call: Call, price: Document, quantity: int) -> dict[str, Any]:
    return {
        "id": new_id("si_")[:17],
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": call.shelf.now_s,
        "current_period_end": call.shelf.now_s,
        "current_period_start": call.shelf.now_s,
        "discounts": [],
        "metadata": {},
        "plan": _plan(price),
        "price": price,
        "quantity": quantity,
        "subscription": "",
        "tax_rates": [],
    }


def priced(call: Call, row: Fields) -> Document:
    """Raises: Refused: the price is none, does not recur, or is not active."""
    return _price(call, row)


def new_subscription(
    call: Call,
    customer: str,
    items: list[dict[str, Any]],
    *,
    metadata: dict[str, str],
    method: str | None = None,
    collection: str | None = None,
    cancel_at_period_end: bool = False,
) -> Document:
    shelf = call.shelf
    identifier = new_id("sub_1")
    listed = [item | {"subscription": identifier} for item in items]
    return shelf.add(
        {
            "id": identifier,
            "object": KIND,
            "application": None,
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": shelf.now_s,
            "billing_cycle_anchor_config": None,
            "billing_mode": {"flexible": None, "type": "flexible"},
            "billing_schedules": [],
            "billing_thresholds": None,
            "cancel_at": None,
            "cancel_at_period_end": cancel_at_period_end,
            "canceled_at": None,
            "cancellation_details": {"comment": None, "feedback": None, "feedback_option": None, "reason": None},
            "collection_method": collection or "charge_automatically",
            "created": shelf.now_s,
            "currency": items[0]["price"]["currency"],
            "customer": customer,
            "days_until_due": None,
            "default_payment_method": method,
            "default_source": None,
            "default_tax_rates": [],
            "description": None,
            "discounts": [],
            "ended_at": None,
            "invoice_settings": {"account_tax_ids": None, "issuer": {"account": None, "type": "self"}},
            "items": {"object": "list", "data": listed, "has_more": False, "url": "/v1/subscription_items"},
            "latest_invoice": None,
            "livemode": False,
            "metadata": metadata,
            "next_pending_invoice_item_invoice": None,
            "on_behalf_of": None,
            "pause_collection": None,
            "payment_settings": {"payment_method_options": None, "save_default_payment_method": "off"},
            "pending_invoice_item_interval": None,
            "pending_setup_intent": None,
            "pending_update": None,
            "schedule": None,
            "start_date": shelf.now_s,
            "status": "active",
            "test_clock": None,
            "transfer_data": None,
            "trial_end": None,
            "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
            "trial_start": None,
            "_prorated": 0,
        }
    )


def _begun(call: Call, subscription: Document) -> Document:
    call.shelf.save(subscription)
    tell(call, "customer.subscription.created", subscription)
    return subscription


def _incomplete(call: Call, subscription: Document) -> Document:
    """The buyer has 23 hours to pay."""
    call.shelf.falls_due("incomplete_lapses", subscription["id"], INCOMPLETE_S)
    return _begun(call, subscription | {"status": "incomplete"})


def _price(call: Call, row: Fields) -> Document:
    price = call.shelf.get(PRICE, row.text("price"), row.named("price"))
    if price["recurring"] is None or not price["active"]:
        raise Refused("The price is not active, or of no recurring kind.", param=row.named("price"))
    return price


def _plan(price: Document) -> dict[str, Any]:
    """The same under its former name."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": "licensed",
    }
