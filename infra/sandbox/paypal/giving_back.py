"""Money that is given back: a refund of its own, a movement of the balance, and an event."""

import sqlite3
from typing import Final

from infra.sandbox.paypal.amounts import Sum, stored_sum
from infra.sandbox.paypal.call import Call, moment
from infra.sandbox.paypal.moving import Turn, book
from infra.sandbox.paypal.naming import new_id
from infra.sandbox.paypal.outbox import tell
from infra.sandbox.paypal.records import Resource, children, insert, save, the
from infra.sandbox.paypal.refusing import Json
from infra.sandbox.paypal.views import refund_body

_GIVEN: Final = frozenset({"COMPLETED", "PENDING"})


def give_back(
    connection: sqlite3.Connection, call: Call, capture: Resource, amount: Sum, *, texts: Json, turn: Turn
) -> Resource:
    """A refund of a capture; it counts against what can be given back from its beginning."""
    before = refunded_of(connection, capture)
    nothing = amount.of(0).written()
    breakdown = {
        "gross_amount": amount.written(),
        "paypal_fee": nothing,
        "net_amount": amount.written(),
        "total_refunded_amount": amount.of(before + amount.minor).written(),
    }
    body: Json = {
        "id": new_id(),
        "status": turn.status,
        "amount": amount.written(),
        **texts,
        "seller_payable_breakdown": breakdown,
        "create_time": moment(call.now_ms),
        "update_time": moment(call.now_ms),
        "_settles_as": turn.settles_as,
    }
    if turn.reason:
        body["status_details"] = {"reason": turn.reason}
    due_ms = call.now_ms + round(turn.after_s * 1000) if turn.status == "PENDING" else None
    made = insert(connection, Resource(body["id"], "refund", capture.resource_id, body, due_ms, call.now_ms))
    _conclude(connection, call, made)
    return made


def settle_refund(connection: sqlite3.Connection, call: Call, refund: Resource) -> None:
    refund.due_ms = None
    refund.body |= {"status": refund.body["_settles_as"], "update_time": moment(call.now_ms)}
    refund.body.pop("status_details", None)
    save(connection, refund)
    _conclude(connection, call, refund)


def refunded_of(connection: sqlite3.Connection, capture: Resource) -> int:
    """How much of it was given back, or is on its way, in minor units."""
    given = [one for one in children(connection, "refund", capture.resource_id) if one.status in _GIVEN]
    return sum(stored_sum(refund.body["amount"]).minor for refund in given)


def _conclude(connection: sqlite3.Connection, call: Call, refund: Resource) -> None:
    capture = the(connection, "capture", str(refund.parent))
    amount = stored_sum(refund.body["amount"])
    if refund.status == "COMPLETED":
        of_order = Resource(refund.resource_id, "refund", capture.parent, refund.body, None, refund.created_ms)
        book(connection, call, of_order, "refund", -amount.minor)
    gone = refunded_of(connection, capture)
    whole = stored_sum(capture.body["amount"]).minor
    capture.body["status"] = "REFUNDED" if gone >= whole else "PARTIALLY_REFUNDED" if gone else "COMPLETED"
    capture.body["update_time"] = moment(call.now_ms)
    save(connection, capture)
    body = refund_body(call, refund)
    if call.store.refund_names_order:
        body["supplementary_data"] = {"related_ids": {"order_id": capture.parent, "capture_id": capture.resource_id}}
    word = {"COMPLETED": "PAYMENT.CAPTURE.REFUNDED", "PENDING": "PAYMENT.REFUND.PENDING"}
    kind = word.get(refund.status, "PAYMENT.REFUND.FAILED")
    tell(connection, call, kind, "refund", body)
