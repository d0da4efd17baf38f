"""Subscriptions by the clock: periods begin, bills are paid or not, and what nobody pays ends.

Source: docs.stripe.com: How subscriptions work, "Subscription statuses"; Smart Retries.
"""

from typing import Any, Final

from infra.sandbox.stripe.call import Call
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.refusing import Refused
from infra.sandbox.stripe.shelf import Document
from infra.sandbox.stripe.subscriptions import invoices
from infra.sandbox.stripe.subscriptions.periods import period_end

KIND: Final = "subscription"
OVER: Final = frozenset({"canceled", "incomplete_expired"})
RETRY_S: Final = 3 * 24 * 3600
MOST_RETRIES: Final = 3
INCOMPLETE_S: Final = 23 * 3600


def price_of(subscription: Document) -> Document:
    price: Document = subscription["items"]["data"][0]["price"]
    return price


def amount_of(subscription: Document) -> int:
    """What a period costs."""
    items = subscription["items"]["data"]
    return sum(int(item["price"]["unit_amount"]) * int(item["quantity"]) for item in items)


def begin_period(call: Call, subscription: Document, ends_s: int | None = None) -> Document:
    """From now on, to `ends_s` or for as long as the price says; the next one is due then."""
    begins_s = call.shelf.now_s
    ends_s = ends_s or period_end(begins_s, price_of(subscription)["recurring"])
    items = subscription["items"]
    data = [item | {"current_period_start": begins_s, "current_period_end": ends_s} for item in items["data"]]
    call.shelf.never_due("renewal", subscription["id"])
    call.shelf.falls_due("renewal", subscription["id"], ends_s - begins_s)
    return subscription | {"items": items | {"data": data}}


def bill(call: Call, subscription: Document, reason: str, *, off_session: bool = True) -> Document | Refused:
    """A bill for the period that has begun, and the attempt to have it paid. The subscription, or the decline."""
    amount = amount_of(subscription) + subscription["_prorated"]
    credit = min(amount, 0)  # what is owed to the customer stands against the next bill
    subscription = subscription | {"_prorated": credit}
    invoice = invoices.new_invoice(call, subscription, max(amount, 0), reason)
    subscription = call.shelf.save(subscription | {"latest_invoice": invoice["id"]})
    if invoice["status"] == "paid":
        return subscription
    method = invoices.method_for(call, subscription)
    paid = invoices.attempt(call, invoice, method, off_session=off_session)
    return paid if isinstance(paid, Refused) else subscription


def renew(call: Call, identifier: str) -> None:
    """A period is over."""
    subscription = call.shelf.known(KIND, identifier)
    if subscription["status"] in OVER or subscription["status"] in {"incomplete", "paused"}:
        return
    if subscription["cancel_at_period_end"]:
        ended(call, subscription)
        return
    subscription = begin_period(call, subscription)
    was = subscription["status"]
    try:
        paid = bill(call, subscription, "subscription_cycle")
    except Refused as refused:  # no card is left to pay with
        paid = refused
    subscription = call.shelf.known(KIND, identifier)
    if isinstance(paid, Refused) or call.shelf.known("invoice", subscription["latest_invoice"])["status"] != "paid":
        fall_behind(call, subscription)
        return
    changed(call, subscription, {"status": "active" if was == "trialing" else was})


def fall_behind(call: Call, subscription: Document) -> None:
    """The bill is tried again after some days."""
    invoice = call.shelf.known("invoice", subscription["latest_invoice"])
    call.shelf.save(invoice | {"next_payment_attempt": call.shelf.now_s + RETRY_S})
    call.shelf.falls_due("retry", invoice["id"], RETRY_S)
    changed(call, subscription, {"status": "past_due"})


def retry(call: Call, identifier: str) -> None:
    """A bill is tried again; after the last try the subscription ends."""
    invoice = call.shelf.known("invoice", identifier)
    subscription = call.shelf.known(KIND, invoice["parent"]["subscription_details"]["subscription"])
    if invoice["status"] != "open" or subscription["status"] in OVER:
        return
    try:
        paid = invoices.attempt(call, invoice, invoices.method_for(call, subscription), off_session=True)
    except Refused as refused:
        paid = refused
    if not isinstance(paid, Refused) and paid["status"] == "paid":
        recover(call, subscription)
    elif call.shelf.known("invoice", identifier)["attempt_count"] > MOST_RETRIES:
        ended(call, subscription, reason="payment_failed")
    else:
        call.shelf.falls_due("retry", identifier, RETRY_S)


def recover(call: Call, subscription: Document) -> Document:
    """What was owed is paid."""
    if subscription["status"] in {"past_due", "unpaid", "incomplete"}:
        return changed(call, subscription, {"status": "active"})
    return subscription


def lapse(call: Call, identifier: str) -> None:
    """The first charge stayed open too long."""
    subscription = call.shelf.known(KIND, identifier)
    if subscription["status"] == "incomplete":
        invoices.withdraw(call, call.shelf.known("invoice", subscription["latest_invoice"]))
        changed(call, subscription, {"status": "incomplete_expired", "ended_at": call.shelf.now_s})


def ended(call: Call, subscription: Document, *, reason: str | None = None, comment: str | None = None) -> Document:
    details = {"comment": comment, "feedback": None, "feedback_option": None, "reason": reason}
    over = {"status": "canceled", "canceled_at": call.shelf.now_s, "ended_at": call.shelf.now_s}
    subscription = call.shelf.save(subscription | over | {"cancellation_details": details})
    call.shelf.never_due("renewal", subscription["id"])
    tell(call, "customer.subscription.deleted", subscription)
    return subscription


def changed(call: Call, subscription: Document, to: dict[str, Any]) -> Document:
    was = {name: subscription[name] for name in to}
    subscription = call.shelf.save(subscription | to)
    tell(call, "customer.subscription.updated", subscription, was)
    return subscription
