"""What becomes of a subscription at an order: it is looked up, changed, its bill paid, or ended.

Source: docs.stripe.com: API reference, Subscriptions; Invoices, "Pay an invoice"; Prorations.
"""

from typing import Any, Final

from infra.sandbox.stripe import methods
from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.intents import off_session
from infra.sandbox.stripe.refusing import Refused, missing
from infra.sandbox.stripe.shelf import Document
from infra.sandbox.stripe.subscriptions import invoices
from infra.sandbox.stripe.subscriptions.beginning import BEHAVIORS, new_item, priced
from infra.sandbox.stripe.subscriptions.billing import (
    KIND,
    OVER,
    amount_of,
    begin_period,
    bill,
    changed,
    ended,
    price_of,
    recover,
)

_PRORATIONS: Final = ("always_invoice", "create_prorations", "none")
_DAY_S: Final = 24 * 3600


def retrieve(call: Call) -> Document:
    return call.shelf.get(KIND, call.identifier, "id")


def list_subscriptions(call: Call) -> Document:
    """Ended ones are left out, unless they are asked for."""
    status = call.fields.optional("status")
    about = {"customer": call.fields.optional("customer"), "status": None if status == "all" else status}
    found = listed(call, KIND, read_page(call, "created"), **about)
    if status is None:
        found["data"] = [one for one in found["data"] if one["status"] not in OVER]
    return found


def update(call: Call) -> Document:
    """A line that is not named by its id is added beside the others, and charged with them."""
    subscription, fields = retrieve(call), call.fields
    if subscription["status"] in OVER:
        raise Refused("A canceled subscription can only update its cancellation_details and metadata.")
    behavior = fields.choice("payment_behavior", BEHAVIORS) or "allow_incomplete"
    proration = fields.choice("proration_behavior", _PRORATIONS) or "create_prorations"
    anchor = fields.choice("billing_cycle_anchor", ("now", "unchanged")) or "unchanged"
    before = subscription
    to: dict[str, Any] = {"metadata": fields.metadata(subscription["metadata"])}
    if "cancel_at_period_end" in fields:
        to["cancel_at_period_end"] = fields.flag("cancel_at_period_end")
    if (method := fields.optional("default_payment_method")) is not None:
        to["default_payment_method"] = call.shelf.get(methods.KIND, method, "default_payment_method")["id"]
    if "items" in fields:
        to["items"] = subscription["items"] | {"data": _moved_items(call, subscription)}
    subscription = subscription | to
    if "items" in fields and before["status"] != "trialing" and proration != "none":
        subscription["_prorated"] += _prorated(call, before, subscription)
    trial_days = price_of(subscription)["recurring"]["trial_period_days"] if fields.flag("trial_from_plan") else None
    if trial_days:
        ends_s = call.shelf.now_s + trial_days * _DAY_S
        trial = {"status": "trialing", "trial_start": call.shelf.now_s, "trial_end": ends_s}
        subscription = begin_period(call, subscription | trial, ends_s)
    elif anchor == "now" or _period(before) != _period(subscription) or proration == "always_invoice":
        subscription = _billed_now(call, subscription, behavior, anew=proration != "always_invoice")
    call.shelf.save(subscription)
    return changed(call, subscription, {"metadata": subscription["metadata"]})


def cancel(call: Call) -> Document:
    """At once. One that has ended is not found."""
    subscription = retrieve(call)
    if subscription["status"] in OVER:
        raise missing("subscription", call.identifier, "id")
    comment = call.fields.inner("cancellation_details").optional("comment")
    return ended(call, subscription, reason="cancellation_requested", comment=comment)


def pay(call: Call) -> Document | Refused:
    invoice = invoices.retrieve(call)
    if invoice["status"] != "open":
        raise Refused(f"Invoice is {invoice['status']}, and cannot be paid.")
    subscription = call.shelf.known(KIND, invoice["parent"]["subscription_details"]["subscription"])
    given = call.fields.optional("payment_method")
    if given is None:
        method = invoices.method_for(call, subscription)
    else:
        method = call.shelf.get(methods.KIND, given, "payment_method")
    alone = off_session(call.fields) if "off_session" in call.fields else True
    paid = invoices.attempt(call, invoice, method, off_session=alone)
    if isinstance(paid, Refused):
        return paid
    if paid["status"] != "paid":
        message = "This invoice's payment requires additional user action."
        return Refused(message, status=402, kind="card_error", code="invoice_payment_intent_requires_action")
    recover(call, subscription)
    return paid


def _moved_items(call: Call, subscription: Document) -> list[dict[str, Any]]:
    """Raises: Refused: a line or a price is unknown."""
    items = {item["id"]: item for item in subscription["items"]["data"]}
    for row in call.fields.rows("items"):
        named = row.optional("id")
        if named is not None and named not in items:
            raise missing("subscription_item", named, row.named("id"))
        if named is not None and row.flag("deleted"):
            del items[named]
            continue
        known = items.get(named or "")
        price = priced(call, row) if known is None or "price" in row else known["price"]
        made = new_item(call, price, row.number("quantity") or (known["quantity"] if known else 1))
        kept = ("id", "created", "current_period_end", "current_period_start")
        like = known or subscription["items"]["data"][0]
        made |= {name: like[name] for name in (kept if known else kept[2:])} | {"subscription": subscription["id"]}
        items[made["id"]] = made
    return list(items.values())


def _prorated(call: Call, before: Document, after: Document) -> int:
    """What the rest of the period costs more, or less."""
    item = before["items"]["data"][0]
    whole = max(1, int(item["current_period_end"]) - int(item["current_period_start"]))
    left = max(0, int(item["current_period_end"]) - call.shelf.now_s)
    difference = amount_of(after) - amount_of(before)
    if _period(before) != _period(after):
        difference = -amount_of(before)  # another period begins at once, and is billed whole
    return (2 * difference * left + whole) // (2 * whole)  # to the nearest unit


def _billed_now(call: Call, subscription: Document, behavior: str, *, anew: bool) -> Document:
    """A bill at once: of a period that begins anew, or of what was prorated alone."""
    if anew:
        subscription = begin_period(call, subscription | {"billing_cycle_anchor": call.shelf.now_s})
    else:
        subscription = subscription | {"_prorated": subscription["_prorated"] - amount_of(subscription)}
    paid = bill(call, subscription, "subscription_update")
    if isinstance(paid, Refused):
        if behavior == "error_if_incomplete":
            raise paid
        return call.shelf.known(KIND, subscription["id"]) | {"status": "past_due"}
    return paid


def _period(subscription: Document) -> tuple[str, int]:
    recurring = price_of(subscription)["recurring"]
    return recurring["interval"], recurring["interval_count"]
