"""A subscription's life: the payer agrees, PayPal charges by the clock, and tells of each sale.

Source: the published OpenAPI files, Subscriptions v1; developer.paypal.com, Webhook event names.
"""

import calendar
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Final

from infra.sandbox.paypal.amounts import Sum, fee_of, stored_sum
from infra.sandbox.paypal.call import Call, moment, shown
from infra.sandbox.paypal.naming import new_account_id, new_id
from infra.sandbox.paypal.outbox import tell
from infra.sandbox.paypal.records import Moved, Movement, Resource, children, insert, move, save, the
from infra.sandbox.paypal.refusing import Json

_DAYS: Final = {"DAY": 1, "WEEK": 7}
_MONTHS: Final = {"MONTH": 1, "YEAR": 12}


def agree_to_subscription(connection: sqlite3.Connection, call: Call, subscription: Resource) -> None:
    """The payer's yes: to begin with, or to another plan."""
    revision = subscription.body.pop("_revision", None)
    if revision is not None:
        revise(connection, call, subscription, revision)
        return
    payer = {"payer_id": new_account_id(), "email_address": "payer@sandbox.example"}
    subscription.body["subscriber"] = payer | subscription.body.get("subscriber", {})
    if subscription.body["_begins"]:
        activate(connection, call, subscription)
        return
    set_status(call, subscription, "APPROVED")
    save(connection, subscription)


def activate(connection: sqlite3.Connection, call: Call, subscription: Resource) -> None:
    """It begins, or goes on; what falls due at once is charged at once."""
    set_status(call, subscription, "ACTIVE")
    subscription.body.setdefault("start_time", moment(call.now_ms))
    subscription.due_ms = max(call.now_ms, subscription.body.get("_next_ms", call.now_ms))
    save(connection, subscription)
    tell_subscription(connection, call, subscription, "ACTIVATED")
    while subscription.due_ms is not None and subscription.due_ms <= call.now_ms:
        renew(connection, call, subscription)


def renew(connection: sqlite3.Connection, call: Call, subscription: Resource) -> None:
    """One cycle: charge its price, or let it pass free, and say when the next one is."""
    cycle, index = _cycle(connection, subscription)
    if cycle is None:
        subscription.due_ms = None
        set_status(call, subscription, "EXPIRED")
        save(connection, subscription)
        tell_subscription(connection, call, subscription, "EXPIRED")
        return
    price = cycle.get("pricing_scheme", {}).get("fixed_price")
    if price is not None and stored_sum(price).minor > 0:
        _charge_cycle(connection, call, subscription, stored_sum(price))
    done = subscription.body["_done"]
    subscription.body["_done"] = {**done, str(index): done.get(str(index), 0) + 1}
    if subscription.status != "ACTIVE":
        save(connection, subscription)
        return
    subscription.due_ms = _later(subscription.due_ms or call.now_ms, cycle["frequency"])
    subscription.body["_next_ms"] = subscription.due_ms
    save(connection, subscription)


def charge(connection: sqlite3.Connection, call: Call, subscription: Resource, amount: Sum) -> None:
    """Take an amount from the subscriber: a sale."""
    fee = fee_of(amount)
    body: Json = {
        "id": new_id(),
        "state": "completed",
        "amount": {"total": amount.written()["value"], "currency": amount.currency},
        "transaction_fee": {"value": fee.written()["value"], "currency": amount.currency},
        "billing_agreement_id": subscription.resource_id,
        "payment_mode": "INSTANT_TRANSFER",
        "create_time": moment(call.now_ms),
        "update_time": moment(call.now_ms),
        "_gross": amount.written(),
        "_fee": fee.written(),
    }
    custom_id = subscription.body.get("custom_id")
    if custom_id is not None:
        body["custom"] = custom_id
    sale = Resource(body["id"], "sale", subscription.resource_id, body, None, call.now_ms)
    insert(connection, sale)
    booked: tuple[tuple[Moved, int], ...] = (("sale", amount.minor), ("fee", -fee.minor))
    for kind, minor in booked:
        about, at_ms = subscription.resource_id, call.now_ms
        move(connection, Movement(kind, sale.resource_id, about, custom_id, None, amount.currency, minor, at_ms))
    told = {**shown(body), "links": [call.link("self", f"/v1/payments/sale/{sale.resource_id}")]}
    tell(connection, call, "PAYMENT.SALE.COMPLETED", "sale", told)


def revise(connection: sqlite3.Connection, call: Call, subscription: Resource, plan_id: str) -> None:
    """Another plan counts from the next cycle on."""
    subscription.body |= {"plan_id": plan_id, "_done": {}, "update_time": moment(call.now_ms)}
    save(connection, subscription)
    tell_subscription(connection, call, subscription, "UPDATED")


def outstanding(subscription: Resource, currency: str) -> Sum:
    owed = subscription.body.get("_owed")
    return stored_sum(owed) if owed else Sum(currency, 0)


def set_status(call: Call, subscription: Resource, status: str, note: str = "") -> None:
    subscription.body |= {
        "status": status,
        "status_update_time": moment(call.now_ms),
        "update_time": moment(call.now_ms),
    }
    if note:
        subscription.body["status_change_note"] = note
    if status != "ACTIVE":
        subscription.due_ms = None


def tell_subscription(connection: sqlite3.Connection, call: Call, subscription: Resource, what: str) -> None:
    kind = f"BILLING.SUBSCRIPTION.{what}"
    body = subscription_body(connection, call, subscription)
    tell(connection, call, kind, "subscription", body)


def subscription_body(connection: sqlite3.Connection, call: Call, subscription: Resource) -> Json:
    """As it is looked up."""
    body = shown(subscription.body)
    if subscription.status not in {"APPROVAL_PENDING", "APPROVED"}:
        body["billing_info"] = _billing(connection, subscription)
    return {**body, "links": subscription_links(call, subscription)}


def subscription_links(call: Call, subscription: Resource) -> list[Json]:
    path = f"/v1/billing/subscriptions/{subscription.resource_id}"
    links = [call.link("self", path), call.link("edit", path, "PATCH")]
    match subscription.status:
        case "APPROVAL_PENDING":
            page = (
                f"/webapps/billing/subscriptions?ba_token={subscription.body['_page']}&token={subscription.resource_id}"
            )
            links.insert(0, call.page_link("approve", page))
        case "ACTIVE":
            links += [call.link(rel, f"{path}/{rel}", "POST") for rel in ("suspend", "cancel", "capture")]
        case "APPROVED" | "SUSPENDED":
            links += [call.link(rel, f"{path}/{rel}", "POST") for rel in ("activate", "cancel")]
    return links


def price_of(plan: Resource) -> Sum:
    """Of a regular cycle."""
    regular = next(cycle for cycle in plan.body["billing_cycles"] if cycle["tenure_type"] == "REGULAR")
    return stored_sum(regular["pricing_scheme"]["fixed_price"])


def _charge_cycle(connection: sqlite3.Connection, call: Call, subscription: Resource, price: Sum) -> None:
    """The price of a cycle and what is owed from before; where that fails, it is owed from now on."""
    preferences = the(connection, "plan", subscription.body["plan_id"]).body["payment_preferences"]
    owed = outstanding(subscription, price.currency)
    if not subscription.body.get("_fails"):
        billed = owed.minor if preferences["auto_bill_outstanding"] else 0
        subscription.body |= {"_owed": owed.of(owed.minor - billed).written(), "_failed": 0}
        charge(connection, call, subscription, price.of(price.minor + billed))
        return
    failed = subscription.body.get("_failed", 0) + 1
    subscription.body |= {"_owed": owed.of(owed.minor + price.minor).written(), "_failed": failed}
    tell_subscription(connection, call, subscription, "PAYMENT.FAILED")
    if 0 < preferences["payment_failure_threshold"] <= failed:
        set_status(call, subscription, "SUSPENDED")
        tell_subscription(connection, call, subscription, "SUSPENDED")


def _billing(connection: sqlite3.Connection, subscription: Resource) -> Json:
    plan = the(connection, "plan", subscription.body["plan_id"])
    currency = price_of(plan).currency
    done = subscription.body["_done"]
    found: Json = {
        "outstanding_balance": outstanding(subscription, currency).written(),
        "cycle_executions": [
            {
                "tenure_type": cycle["tenure_type"],
                "sequence": cycle["sequence"],
                "cycles_completed": done.get(str(cycle["sequence"]), 0),
                "total_cycles": cycle.get("total_cycles", 1),
            }
            for cycle in plan.body["billing_cycles"]
        ],
        "failed_payments_count": subscription.body.get("_failed", 0),
    }
    sales = children(connection, "sale", subscription.resource_id)
    if sales:
        found["last_payment"] = {"amount": sales[-1].body["_gross"], "time": sales[-1].body["create_time"]}
    if subscription.due_ms is not None:
        found["next_billing_time"] = moment(subscription.due_ms)
    return found


def _cycle(connection: sqlite3.Connection, subscription: Resource) -> tuple[Json | None, int]:
    """The cycle that is due, by sequence; none once all are over."""
    plan = the(connection, "plan", subscription.body["plan_id"])
    for cycle in sorted(plan.body["billing_cycles"], key=lambda cycle: int(cycle["sequence"])):
        total, index = cycle.get("total_cycles", 1), int(cycle["sequence"])
        if total == 0 or subscription.body["_done"].get(str(index), 0) < total:
            return cycle, index
    return None, 0


def _later(ms: int, frequency: Json) -> int:
    """The same time one interval later; the last day of a month where it is too short."""
    count, unit = int(frequency.get("interval_count", 1)), frequency["interval_unit"]
    at = datetime.fromtimestamp(ms / 1000, UTC)
    if unit in _DAYS:
        return round((at + timedelta(days=_DAYS[unit] * count)).timestamp() * 1000)
    months = at.month - 1 + _MONTHS[unit] * count
    year, month = at.year + months // 12, months % 12 + 1
    day = min(at.day, calendar.monthrange(year, month)[1])
    return round(at.replace(year=year, month=month, day=day).timestamp() * 1000)
