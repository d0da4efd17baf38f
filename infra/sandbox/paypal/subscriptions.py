"""Subscriptions: begun, looked up, changed, paused and ended. Source: the published OpenAPI files, Subscriptions v1."""

import sqlite3
from typing import Any, Final

from infra.sandbox.paypal.amounts import read_sum, stored_sum
from infra.sandbox.paypal.call import Answer, Call, moment
from infra.sandbox.paypal.dates import in_range, read_range
from infra.sandbox.paypal.naming import new_id
from infra.sandbox.paypal.paging import page_of
from infra.sandbox.paypal.patching import no_places, patched
from infra.sandbox.paypal.records import Resource, all_of, children, find, insert, save
from infra.sandbox.paypal.refusing import Json, Refused, invalid, not_found, unprocessable
from infra.sandbox.paypal.subscribing import (
    activate,
    charge,
    outstanding,
    price_of,
    revise,
    set_status,
    subscription_body,
    subscription_links,
    tell_subscription,
)

_FEW: Final = ("id", "status", "status_update_time", "plan_id", "create_time")
_STANDING: Final = frozenset({"APPROVED", "ACTIVE", "SUSPENDED"})


def create_subscription(connection: sqlite3.Connection, call: Call) -> Answer:
    plan = _plan(connection, call)
    if plan.status != "ACTIVE":
        raise unprocessable("PLAN_STATUS_INVALID")
    context: Json = call.body.get("application_context") or {}
    subscription_id = f"I-{new_id(12)}"
    further = ("custom_id", "quantity", "shipping_amount", "subscriber", "start_time")
    body = {
        "id": subscription_id,
        "plan_id": plan.resource_id,
        **{name: call.body[name] for name in further if name in call.body},
        "create_time": moment(call.now_ms),
        "_page": f"BA-{new_id()}",
        "_begins": context.get("user_action", "SUBSCRIBE_NOW") == "SUBSCRIBE_NOW",
        "_return_url": str(context.get("return_url") or ""),
        "_cancel_url": str(context.get("cancel_url") or ""),
        "_done": {},
    }
    subscription = Resource(subscription_id, "subscription", None, body, None, call.now_ms)
    set_status(call, subscription, "APPROVAL_PENDING")
    insert(connection, subscription)
    tell_subscription(connection, call, subscription, "CREATED")
    view = subscription_view(connection, call, subscription)
    return Answer(201, view, ("subscription", subscription_id))


def get_subscription(connection: sqlite3.Connection, call: Call) -> Answer:
    return Answer(200, subscription_body(connection, call, _the(connection, call)))


def list_subscriptions(connection: sqlite3.Connection, call: Call) -> Answer:
    plans = set(call.query.get("plan_ids", "").split(",")) - {""}
    found = [one for one in all_of(connection, "subscription") if not plans or one.body["plan_id"] in plans]
    page = page_of(call, found, usual=10, most=20)
    rows = [subscription_body(connection, call, one) for one in page.shown]
    return Answer(200, {"subscriptions": rows, "links": page.links(call)})


def patch_subscription(connection: sqlite3.Connection, call: Call) -> Answer:
    subscription = _the(connection, call)
    _require(subscription, "ACTIVE", "SUSPENDED")
    before = outstanding(subscription, price_of(_plan_of(connection, subscription)).currency)
    thing = {**subscription.body, "billing_info": {"outstanding_balance": before.written()}}
    changed = patched(thing, call.body, no_places)
    owed = stored_sum(changed.pop("billing_info")["outstanding_balance"])
    if owed.minor > before.minor:
        raise unprocessable("AMOUNT_GREATER_THAN_OUTSTANDING_BALANCE")
    subscription.body = {**changed, "id": subscription.resource_id, "_owed": owed.written()}
    save(connection, subscription)
    tell_subscription(connection, call, subscription, "UPDATED")
    return Answer(204)


def revise_subscription(connection: sqlite3.Connection, call: Call) -> Answer:
    """Another plan: a lower price counts by itself, and to a higher one the payer has to agree."""
    subscription = _the(connection, call)
    _require(subscription, "ACTIVE", "SUSPENDED")
    plan, before = _plan(connection, call), _plan_of(connection, subscription)
    if plan.body["product_id"] != before.body["product_id"]:
        raise unprocessable("PLAN_PRODUCT_NOT_COMPATIBLE")
    new, old = price_of(plan), price_of(before)
    if new.currency != old.currency:
        raise unprocessable("CURRENCY_MISMATCH")
    links = [link for link in subscription_links(call, subscription) if link["rel"] in {"self", "edit"}]
    if new.minor > old.minor:
        context: Json = call.body.get("application_context") or {}
        for name in ("return_url", "cancel_url"):
            if context.get(name):
                subscription.body[f"_{name}"] = context[name]
        subscription.body["_revision"] = plan.resource_id
        save(connection, subscription)
        page = f"ba_token={subscription.body['_page']}&token={subscription.resource_id}"
        links.append(call.page_link("approve", f"/webapps/billing/subscriptions?{page}"))
    else:
        revise(connection, call, subscription, plan.resource_id)
    body = {"plan_id": plan.resource_id, "plan_overridden": False, "links": links}
    return Answer(200, body)


def activate_subscription(connection: sqlite3.Connection, call: Call) -> Answer:
    subscription = _the(connection, call)
    _require(subscription, "APPROVED", "SUSPENDED")
    activate(connection, call, subscription)
    return Answer(204)


def suspend_subscription(connection: sqlite3.Connection, call: Call) -> Answer:
    return _end(connection, call, "SUSPENDED", "ACTIVE")


def cancel_subscription(connection: sqlite3.Connection, call: Call) -> Answer:
    return _end(connection, call, "CANCELLED", *_STANDING)


def capture_outstanding(connection: sqlite3.Connection, call: Call) -> Answer:
    """Take what is owed, or a part of it."""
    subscription = _the(connection, call)
    _require(subscription, "ACTIVE", "SUSPENDED")
    call.text("note", 128)
    amount = read_sum(call.body.get("amount"), "/amount")
    owed = outstanding(subscription, amount.currency)
    if owed.currency != amount.currency:
        raise unprocessable("CURRENCY_MISMATCH")
    if not owed.minor:
        raise unprocessable("ZERO_OUTSTANDING_BALANCE")
    if amount.minor > owed.minor:
        raise unprocessable("AMOUNT_GREATER_THAN_OUTSTANDING_BALANCE")
    subscription.body["_owed"] = owed.of(owed.minor - amount.minor).written()
    save(connection, subscription)
    charge(connection, call, subscription, amount)
    return Answer(202)


def list_transactions(connection: sqlite3.Connection, call: Call) -> Answer:
    """The sales of one subscription."""
    subscription = _the(connection, call)
    wanted = read_range(call, "start_time", "end_time")
    sales = [one for one in children(connection, "sale", subscription.resource_id) if in_range(one.created_ms, wanted)]
    page = page_of(call, sales, usual=10, most=100)
    rows = [_transaction(sale, subscription) for sale in page.shown]
    body = {"transactions": rows, "total_items": page.total_items, "total_pages": page.total_pages}
    return Answer(200, {**body, "links": page.links(call)})


def subscription_view(connection: sqlite3.Connection, call: Call, subscription: Resource) -> Json:
    body = subscription_body(connection, call, subscription)
    return body if call.full else {name: body[name] for name in (*_FEW, "links") if name in body}


def _transaction(sale: Resource, subscription: Resource) -> Json:
    gross, fee = stored_sum(sale.body["_gross"]), stored_sum(sale.body["_fee"])
    parts = {"gross_amount": gross, "fee_amount": fee, "net_amount": gross.of(gross.minor - fee.minor)}
    return {
        "id": sale.resource_id,
        "status": "COMPLETED",
        "amount_with_breakdown": {name: amount.written() for name, amount in parts.items()},
        "payer_email": subscription.body["subscriber"]["email_address"],
        "time": sale.body["create_time"],
    }


def _end(connection: sqlite3.Connection, call: Call, status: str, *allowed: str) -> Answer:
    subscription = _the(connection, call)
    reason = call.text("reason", 128)
    _require(subscription, *allowed)
    set_status(call, subscription, status, reason)
    save(connection, subscription)
    tell_subscription(connection, call, subscription, status)
    return Answer(204)


def _require(subscription: Resource, *allowed: str) -> None:
    if subscription.status not in allowed:
        raise _wrong_status()


def _wrong_status() -> Refused:
    return unprocessable("SUBSCRIPTION_STATUS_INVALID", "Invalid subscription status for this action.")


def _the(connection: sqlite3.Connection, call: Call) -> Resource:
    found = find(connection, "subscription", call.names["id"])
    if found is None:
        raise not_found()
    return found


def _plan(connection: sqlite3.Connection, call: Call) -> Resource:
    plan_id: Any = call.body.get("plan_id")
    if not plan_id:
        raise invalid("MISSING_REQUIRED_PARAMETER", "/plan_id")
    plan = find(connection, "plan", str(plan_id))
    if plan is None:
        raise not_found()
    return plan


def _plan_of(connection: sqlite3.Connection, subscription: Resource) -> Resource:
    plan = find(connection, "plan", subscription.body["plan_id"])
    if plan is None:
        raise not_found()
    return plan
