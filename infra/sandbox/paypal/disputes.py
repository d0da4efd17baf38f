"""Disputes of payments: opened and decided by order, looked up and listed by the merchant.

Source: the published OpenAPI files, Disputes v1.
"""

import sqlite3
from collections import defaultdict
from typing import Final

from infra.sandbox.paypal.amounts import Sum, stored_sum
from infra.sandbox.paypal.call import Answer, Call, moment, shown
from infra.sandbox.paypal.naming import new_id
from infra.sandbox.paypal.outbox import tell
from infra.sandbox.paypal.paging import page_of
from infra.sandbox.paypal.records import Moved, Movement, Resource, all_of, children, find, insert, move, save
from infra.sandbox.paypal.refusing import Json, not_found

_DISPUTES: Final = "/v1/customer/disputes"
_ANSWER_MS: Final = 10 * 24 * 3_600_000
_LISTED: Final = (
    "dispute_id",
    "create_time",
    "update_time",
    "reason",
    "status",
    "dispute_state",
    "dispute_amount",
    "dispute_life_cycle_stage",
    "dispute_channel",
    "seller_response_due_date",
)
OUTCOMES: Final = frozenset(
    {
        "RESOLVED_BUYER_FAVOUR",
        "RESOLVED_SELLER_FAVOUR",
        "RESOLVED_WITH_PAYOUT",
        "CANCELED_BY_BUYER",
        "ACCEPTED",
        "DENIED",
        "NONE",
    }
)
_LOST: Final = frozenset({"RESOLVED_BUYER_FAVOUR", "ACCEPTED"})
_STATES: Final = {
    "OPEN": "OPEN_INQUIRIES",
    "WAITING_FOR_SELLER_RESPONSE": "REQUIRED_ACTION",
    "WAITING_FOR_BUYER_RESPONSE": "REQUIRED_OTHER_PARTY_ACTION",
    "UNDER_REVIEW": "UNDER_PAYPAL_REVIEW",
    "RESOLVED": "RESOLVED",
}


def get_dispute(connection: sqlite3.Connection, call: Call) -> Answer:
    dispute = find(connection, "dispute", call.names["id"])
    if dispute is None:
        raise not_found()
    return Answer(200, _body(call, dispute))


def list_disputes(connection: sqlite3.Connection, call: Call) -> Answer:
    wanted = call.query.get("disputed_transaction_id")
    found = [one for one in all_of(connection, "dispute") if wanted in {None, one.parent}]
    page = page_of(call, found, usual=10, most=50)
    bodies = [_body(call, dispute) for dispute in page.shown]
    rows = [{name: body[name] for name in (*_LISTED, "links") if name in body} for body in bodies]
    return Answer(200, {"items": rows, "links": page.links(call)})


def open_dispute(connection: sqlite3.Connection, call: Call, payment_id: str, told: Json) -> Resource:
    """A payer, or a bank (`CHARGEBACK`), wants the money of a capture back. A bank takes it at once.

    Raises:
        ValueError: no capture of this id, or of the order of this id, brought money.
    """
    capture = _capture(connection, payment_id)
    whole = stored_sum(capture.body["amount"])
    amount = stored_sum(told["amount"]) if "amount" in told else whole
    stage = str(told.get("stage", "INQUIRY"))
    dispute_id = f"PP-R-{new_id(3)}-{new_id(8)}"
    body: Json = {
        "dispute_id": dispute_id,
        "create_time": moment(call.now_ms),
        "update_time": moment(call.now_ms),
        "disputed_transactions": [_disputed(call, capture, whole)],
        "reason": str(told.get("reason", "MERCHANDISE_OR_SERVICE_NOT_RECEIVED")),
        "dispute_amount": amount.written(),
        "dispute_life_cycle_stage": stage,
        "dispute_channel": "INTERNAL" if stage == "INQUIRY" else "EXTERNAL",
        "seller_response_due_date": moment(call.now_ms + _ANSWER_MS),
        "_taken": stage != "INQUIRY",
    }
    dispute = Resource(dispute_id, "dispute", capture.resource_id, body, None, call.now_ms)
    _set_status(call, dispute, str(told.get("status", "WAITING_FOR_SELLER_RESPONSE")))
    if body["_taken"]:
        _book(connection, call, dispute, "dispute", -amount.minor)
    insert(connection, dispute)
    _tell(connection, call, dispute, "CREATED")
    return dispute


def change_dispute(connection: sqlite3.Connection, call: Call, dispute_id: str, told: Json) -> Resource:
    """Another status or stage; with an `outcome` it is decided, and the money goes where that says.

    Raises:
        ValueError: no open dispute has this id, or it is no outcome.
    """
    dispute = find(connection, "dispute", dispute_id)
    if dispute is None or dispute.status == "RESOLVED":
        raise ValueError(f"no open dispute has the id {dispute_id}")
    outcome = told.get("outcome")
    if outcome not in {None, *OUTCOMES}:
        raise ValueError(f"outcome is one of {', '.join(sorted(OUTCOMES))}")
    dispute.body["dispute_life_cycle_stage"] = told.get("stage", dispute.body["dispute_life_cycle_stage"])
    _set_status(call, dispute, "RESOLVED" if outcome else str(told.get("status", dispute.status)))
    if outcome is not None:
        _decide(connection, call, dispute, str(outcome))
    save(connection, dispute)
    _tell(connection, call, dispute, "RESOLVED" if outcome else "UPDATED")
    return dispute


def withheld(connection: sqlite3.Connection) -> dict[str, int]:
    """What is not available while disputes are open, in minor units by currency."""
    found: defaultdict[str, int] = defaultdict(int)
    for dispute in all_of(connection, "dispute"):
        if dispute.status != "RESOLVED" and not dispute.body["_taken"]:
            amount = stored_sum(dispute.body["dispute_amount"])
            found[amount.currency] += amount.minor
    return dict(found)


def _decide(connection: sqlite3.Connection, call: Call, dispute: Resource, outcome: str) -> None:
    amount = stored_sum(dispute.body["dispute_amount"])
    lost, taken = outcome in _LOST, dispute.body["_taken"]
    refunded = amount if lost else amount.of(0)
    dispute.body["dispute_outcome"] = {"outcome_code": outcome, "amount_refunded": refunded.written()}
    dispute.body["_taken"] = lost
    if lost and not taken:
        _book(connection, call, dispute, "dispute", -amount.minor)
    elif taken and not lost:
        _book(connection, call, dispute, "dispute_returned", amount.minor)


def _set_status(call: Call, dispute: Resource, status: str) -> None:
    if status not in _STATES:
        raise ValueError(f"status is one of {', '.join(_STATES)}")
    dispute.body |= {"status": status, "dispute_state": _STATES[status], "update_time": moment(call.now_ms)}


def _capture(connection: sqlite3.Connection, payment_id: str) -> Resource:
    named = find(connection, "capture", payment_id)
    found = [named] if named else children(connection, "capture", payment_id)
    taken = [one for one in found if one.status in {"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"}]
    if not taken:
        raise ValueError(f"no payment of the id {payment_id} brought money")
    return taken[-1]


def _disputed(call: Call, capture: Resource, whole: Sum) -> Json:
    told: Json = {
        "seller_transaction_id": capture.resource_id,
        "create_time": capture.body["create_time"],
        "transaction_status": capture.status,
        "gross_amount": whole.written(),
        "seller": {"email": call.store.merchant_email, "merchant_id": call.store.merchant_id, "name": "Merchant"},
        "buyer": {"name": "Ayse Yilmaz"},
    }
    named = {"invoice_number": capture.body.get("invoice_id"), "custom": capture.body.get("custom_id")}
    return told | {name: value for name, value in named.items() if value is not None}


def _body(call: Call, dispute: Resource) -> Json:
    path = f"{_DISPUTES}/{dispute.resource_id}"
    links = [call.link("self", path)]
    if dispute.status == "WAITING_FOR_SELLER_RESPONSE":
        links += [call.link(rel, f"{path}/{rel}", "POST") for rel in ("accept-claim", "provide-evidence")]
    return {**shown(dispute.body), "links": links}


def _tell(connection: sqlite3.Connection, call: Call, dispute: Resource, what: str) -> None:
    tell(connection, call, f"CUSTOMER.DISPUTE.{what}", "dispute", _body(call, dispute))


def _book(connection: sqlite3.Connection, call: Call, dispute: Resource, kind: Moved, minor: int) -> None:
    amount = stored_sum(dispute.body["dispute_amount"])
    (disputed,) = dispute.body["disputed_transactions"]
    line = {
        "affected_party": "SELLER",
        "amount": amount.written(),
        "initiated_time": moment(call.now_ms),
        "type": "DEBIT" if minor < 0 else "CREDIT",
        "reason": "DISPUTE_SETTLEMENT",
    }
    dispute.body["money_movements"] = [*dispute.body.get("money_movements", []), line]
    custom_id, invoice_id = disputed.get("custom"), disputed.get("invoice_number")
    moved = Movement(
        kind, dispute.resource_id, dispute.parent, custom_id, invoice_id, amount.currency, minor, call.now_ms
    )
    move(connection, moved)
