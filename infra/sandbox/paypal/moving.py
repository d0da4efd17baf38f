"""Money that is held, taken and given back: each a thing of its own, a movement of the balance, and an event."""

import sqlite3
from dataclasses import dataclass
from typing import Final

from infra.sandbox.paypal.amounts import Sum, fee_of, stored_sum
from infra.sandbox.paypal.call import Call, moment
from infra.sandbox.paypal.faults import FaultKind
from infra.sandbox.paypal.instruments import ECHECK, REVIEW, TAKEN, Instrument
from infra.sandbox.paypal.naming import new_id
from infra.sandbox.paypal.outbox import tell
from infra.sandbox.paypal.records import Moved, Movement, Resource, children, insert, move, save, the
from infra.sandbox.paypal.refusing import Json, unprocessable
from infra.sandbox.paypal.views import authorization_body, capture_body, refund_body

_PROTECTED: Final = {
    "status": "ELIGIBLE",
    "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"],
}
_DECLINED_CODE: Final = "0500"


@dataclass(frozen=True, slots=True)
class Turn:
    """How a movement turns out: at once, or pending until `after_s` and then as `settles_as`."""

    status: str
    reason: str | None = None
    code: str | None = None
    settles_as: str = ""
    after_s: float = 0


@dataclass(frozen=True, slots=True)
class Taking:
    """What is to be held or taken for one purchase unit of an order."""

    order: Resource
    unit: int
    amount: Sum
    custom_id: str | None
    invoice_id: str | None
    authorization_id: str | None = None
    final: bool = True


def turn_of(call: Call, instrument: Instrument, kind: FaultKind | None, seconds: float) -> Turn:
    """As the fault orders, else as the instrument does."""
    match kind:
        case FaultKind.DECLINED:
            return Turn("DECLINED", code=_DECLINED_CODE)
        case FaultKind.ECHECK:
            return Turn("PENDING", "ECHECK", settles_as="COMPLETED", after_s=seconds)
        case FaultKind.ECHECK_DECLINED:
            return Turn("PENDING", "ECHECK", settles_as="DECLINED", after_s=seconds)
        case FaultKind.REVIEW:
            return Turn("PENDING", "PENDING_REVIEW", settles_as="COMPLETED", after_s=seconds)
    match instrument.outcome:
        case word if word == TAKEN:
            return Turn("COMPLETED", code="0000")
        case word if word in {ECHECK, REVIEW}:
            reason = "ECHECK" if word == ECHECK else "PENDING_REVIEW"
            return Turn("PENDING", reason, settles_as="COMPLETED", after_s=call.store.echeck_s)
        case code:
            return Turn("DECLINED", code=code)


def require_new_invoice(connection: sqlite3.Connection, call: Call, invoice_id: str | None, order_id: str) -> None:
    """Raise where another order of the account paid the invoice.

    Raises:
        Refused: it was.
    """
    if invoice_id is None or not call.store.unique_invoices:
        return
    paid = connection.execute(
        "SELECT 1 FROM resource WHERE kind IN ('authorization', 'capture') "
        "AND json_extract(body, '$.invoice_id') = ? AND parent IS NOT ? "
        "AND json_extract(body, '$.status') NOT IN ('DECLINED', 'FAILED', 'DENIED')",
        (invoice_id, order_id),
    ).fetchone()
    if paid:
        raise unprocessable("DUPLICATE_INVOICE_ID", "Duplicate Invoice ID detected.")


def hold(
    connection: sqlite3.Connection, call: Call, taking: Taking, turn: Turn, *, of_card: bool, valid_until_ms: int = 0
) -> Resource:
    """An authorization; `valid_until_ms` is that of the one that it renews."""
    until_ms = valid_until_ms or call.now_ms + round(call.store.valid_s * 1000)
    status = {"COMPLETED": "CREATED", "DECLINED": "DENIED"}.get(turn.status, turn.status)
    body = _begun(call, taking, turn, status)
    body |= {
        "expiration_time": moment(until_ms),
        "_honoured_from_ms": call.now_ms,
        "_until_ms": until_ms,
        "_card": of_card,
        "_settles_as": "CREATED" if turn.settles_as == "COMPLETED" else "DENIED",
    }
    if of_card and turn.code:
        body["processor_response"] = {"response_code": turn.code}
    due_ms = {"PENDING": call.now_ms + round(turn.after_s * 1000), "CREATED": until_ms}.get(status)
    made = insert(
        connection,
        Resource(body["id"], "authorization", taking.order.resource_id, body, due_ms, call.now_ms),
    )
    if status != "DENIED":
        tell_authorization(connection, call, made, "CREATED")
    return made


def take(connection: sqlite3.Connection, call: Call, taking: Taking, turn: Turn, *, of_card: bool) -> Resource:
    """A capture."""
    body = _begun(call, taking, turn, turn.status)
    body |= {"final_capture": taking.final, "_settles_as": turn.settles_as, "_authorization": taking.authorization_id}
    if of_card and turn.code:
        body["processor_response"] = {"response_code": turn.code}
    due_ms = call.now_ms + round(turn.after_s * 1000) if turn.status == "PENDING" else None
    made = Resource(body["id"], "capture", taking.order.resource_id, body, due_ms, call.now_ms)
    insert(connection, made)
    _conclude(connection, call, made)
    return made


def settle_capture(connection: sqlite3.Connection, call: Call, capture: Resource) -> None:
    """A pending capture is decided as was ordered with it."""
    capture.due_ms = None
    capture.body |= {"status": capture.body["_settles_as"], "update_time": moment(call.now_ms)}
    capture.body.pop("status_details", None)
    _conclude(connection, call, capture, later=True)


def settle_authorization(connection: sqlite3.Connection, call: Call, authorization: Resource) -> None:
    """A pending hold is decided; one whose time is up lapses, with a mark that it did."""
    authorization.due_ms = None
    authorization.body["update_time"] = moment(call.now_ms)
    if authorization.status == "PENDING":
        authorization.body["status"] = authorization.body["_settles_as"]
        authorization.body.pop("status_details", None)
        if authorization.status == "CREATED":
            authorization.due_ms = authorization.body["_until_ms"]
            save(connection, authorization)
            return
    else:
        authorization.body |= {"status": "VOIDED", "_lapsed": True}
    save(connection, authorization)
    tell_authorization(connection, call, authorization, "VOIDED")


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
    _conclude_refund(connection, call, made)
    return made


def settle_refund(connection: sqlite3.Connection, call: Call, refund: Resource) -> None:
    refund.due_ms = None
    refund.body |= {"status": refund.body["_settles_as"], "update_time": moment(call.now_ms)}
    refund.body.pop("status_details", None)
    save(connection, refund)
    _conclude_refund(connection, call, refund)


def refunded_of(connection: sqlite3.Connection, capture: Resource) -> int:
    """How much of it was given back, or is on its way, in minor units."""
    given = [one for one in children(connection, "refund", capture.resource_id) if one.status in _GIVEN]
    return sum(stored_sum(refund.body["amount"]).minor for refund in given)


def captured_of(connection: sqlite3.Connection, authorization: Resource) -> int:
    """How much of a hold was taken, or is on its way, in minor units."""
    captures = children(connection, "capture", str(authorization.parent))
    ours = [one for one in captures if one.body["_authorization"] == authorization.resource_id]
    return sum(stored_sum(one.body["amount"]).minor for one in ours if one.status not in {"DECLINED", "FAILED"})


def tell_authorization(connection: sqlite3.Connection, call: Call, authorization: Resource, what: str) -> None:
    body = authorization_body(call, authorization)
    kind = f"PAYMENT.AUTHORIZATION.{what}"
    tell(connection, call, kind, "authorization", body)


_GIVEN: Final = frozenset({"COMPLETED", "PENDING"})


def _begun(call: Call, taking: Taking, turn: Turn, status: str) -> Json:
    body: Json = {
        "id": new_id(),
        "status": status,
        "amount": taking.amount.written(),
        "seller_protection": _PROTECTED,
        "create_time": moment(call.now_ms),
        "update_time": moment(call.now_ms),
        "_unit": taking.unit,
    }
    if turn.status == "PENDING":
        body["status_details"] = {"reason": turn.reason}
    named = {"custom_id": taking.custom_id, "invoice_id": taking.invoice_id}
    return body | {name: value for name, value in named.items() if value is not None}


def _conclude(connection: sqlite3.Connection, call: Call, capture: Resource, *, later: bool = False) -> None:
    """Book what a capture brought, and tell of it."""
    if capture.status == "COMPLETED":
        gross = stored_sum(capture.body["amount"])
        fee = fee_of(gross)
        capture.body["seller_receivable_breakdown"] = {
            "gross_amount": gross.written(),
            "paypal_fee": fee.written(),
            "net_amount": gross.of(gross.minor - fee.minor).written(),
        }
        _book(connection, call, capture, "capture", gross.minor)
        _book(connection, call, capture, "fee", -fee.minor)
    save(connection, capture)
    word = "DENIED" if later and capture.status == "DECLINED" else capture.status
    body = capture_body(call, capture)
    tell(connection, call, f"PAYMENT.CAPTURE.{word}", "capture", body)


def _conclude_refund(connection: sqlite3.Connection, call: Call, refund: Resource) -> None:
    capture = the(connection, "capture", str(refund.parent))
    amount = stored_sum(refund.body["amount"])
    if refund.status == "COMPLETED":
        of_order = Resource(refund.resource_id, "refund", capture.parent, refund.body, None, refund.created_ms)
        _book(connection, call, of_order, "refund", -amount.minor)
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


def _book(connection: sqlite3.Connection, call: Call, thing: Resource, kind: Moved, minor: int) -> None:
    amount = stored_sum(thing.body["amount"])
    custom_id, invoice_id = thing.body.get("custom_id"), thing.body.get("invoice_id")
    moved = Movement(kind, thing.resource_id, thing.parent, custom_id, invoice_id, amount.currency, minor, call.now_ms)
    move(connection, moved)
