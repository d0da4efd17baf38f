"""Holds, captures and refunds. Source: the published OpenAPI files, Payments v2."""

import sqlite3
from typing import Final

from infra.sandbox.paypal.amounts import Sum, read_sum, stored_sum
from infra.sandbox.paypal.call import Answer, Call, moment
from infra.sandbox.paypal.faults import FaultKind
from infra.sandbox.paypal.instruments import TAKEN, read_instrument
from infra.sandbox.paypal.moving import (
    Taking,
    Turn,
    captured_of,
    give_back,
    hold,
    refunded_of,
    require_new_invoice,
    take,
    tell_authorization,
    turn_of,
)
from infra.sandbox.paypal.records import Kind, Resource, find, save, the
from infra.sandbox.paypal.refusing import Json, not_found, unprocessable
from infra.sandbox.paypal.views import (
    authorization_body,
    authorization_view,
    capture_body,
    capture_view,
    refund_body,
    refund_view,
    void_view,
)

_MOST_RENEWED_PERCENT: Final = 115
_REFUNDABLE_MS: Final = 180 * 24 * 3_600_000
_REFUNDABLE: Final = frozenset({"COMPLETED", "PARTIALLY_REFUNDED"})


def get_authorization(connection: sqlite3.Connection, call: Call) -> Answer:
    return Answer(200, authorization_body(call, _the(connection, call, "authorization")))


def get_capture(connection: sqlite3.Connection, call: Call) -> Answer:
    return Answer(200, capture_body(call, _the(connection, call, "capture")))


def get_refund(connection: sqlite3.Connection, call: Call) -> Answer:
    return Answer(200, refund_body(call, _the(connection, call, "refund")))


def capture_authorization(connection: sqlite3.Connection, call: Call) -> Answer:
    """All or a part of a hold; what is left of it can be taken later, unless this is the final capture."""
    held = _the(connection, call, "authorization")
    _require_held(held)
    order = the(connection, "order", str(held.parent))
    taken = captured_of(connection, held)
    whole = stored_sum(held.body["amount"])
    amount = _amount(call, whole.of(whole.minor - taken), "AUTH_CAPTURE_CURRENCY_MISMATCH")
    if taken + amount.minor > whole.minor:
        raise unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED")
    invoice_id = call.body.get("invoice_id") or held.body.get("invoice_id")
    require_new_invoice(connection, call, invoice_id, order.resource_id)
    final = bool(call.body.get("final_capture", False))
    turn = _turn(call, order)
    taking = Taking(order, held.body["_unit"], amount, held.body.get("custom_id"), invoice_id, held.resource_id, final)
    capture = take(connection, call, taking, turn, of_card=held.body["_card"])
    if turn.status != "DECLINED":
        ended = final or taken + amount.minor == whole.minor
        held.body |= {"status": "CAPTURED" if ended else "PARTIALLY_CAPTURED", "update_time": moment(call.now_ms)}
        held.due_ms = None if ended else held.due_ms
        save(connection, held)
    return Answer(201, capture_view(connection, call, capture), ("capture", capture.resource_id))


def reauthorize(connection: sqlite3.Connection, call: Call) -> Answer:
    """A new period in which a wallet's hold is honoured, from the fourth day on."""
    held = _the(connection, call, "authorization")
    _require_held(held, expired="REAUTHORIZATION_NOT_SUPPORTED")
    honoured_ms = held.body["_honoured_from_ms"] + round(call.store.honour_s * 1000)
    if held.status != "CREATED" or held.body["_card"] or call.now_ms < honoured_ms:
        raise unprocessable("REAUTHORIZATION_NOT_SUPPORTED", "Only after its honor period, and not of a card.")
    whole = stored_sum(held.body["amount"])
    amount = _amount(call, whole, "AUTH_CURRENCY_MISMATCH")
    if amount.minor * 100 > whole.minor * _MOST_RENEWED_PERCENT:
        raise unprocessable("TRANSACTION_REFUSED", "More than the original hold allows.")
    order = the(connection, "order", str(held.parent))
    if call.store.renewed_hold == "same":
        held.body |= {"amount": amount.written(), "_honoured_from_ms": call.now_ms, "update_time": moment(call.now_ms)}
        save(connection, held)
        return Answer(201, authorization_view(connection, call, held), ("authorization", held.resource_id))
    _void(connection, call, held)
    taking = Taking(order, held.body["_unit"], amount, held.body.get("custom_id"), held.body.get("invoice_id"))
    until_ms = held.body["_until_ms"]
    made = hold(connection, call, taking, _turn(call, order), of_card=False, valid_until_ms=until_ms)
    return Answer(201, authorization_view(connection, call, made), ("authorization", made.resource_id))


def void(connection: sqlite3.Connection, call: Call) -> Answer:
    """A hold is lifted, or what is left of it."""
    held = _the(connection, call, "authorization")
    if held.status == "VOIDED":
        raise unprocessable("PREVIOUSLY_VOIDED")
    if held.status == "CAPTURED":
        raise unprocessable("PREVIOUSLY_CAPTURED")
    if held.status == "DENIED":
        raise unprocessable("CANNOT_BE_VOIDED")
    _void(connection, call, held)
    tell_authorization(connection, call, held, "VOIDED")
    body = void_view(connection, call, held)
    return Answer(204 if body is None else 200, body, ("authorization", held.resource_id))


def refund(connection: sqlite3.Connection, call: Call) -> Answer:
    """All that is left of a capture, or a part."""
    capture = _the(connection, call, "capture")
    whole, gone = stored_sum(capture.body["amount"]), refunded_of(connection, capture)
    if capture.status == "PENDING":
        raise unprocessable("PENDING_CAPTURE")
    if capture.status == "REFUNDED":
        raise unprocessable("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded.")
    if capture.status not in _REFUNDABLE:
        raise unprocessable("REFUND_NOT_ALLOWED")
    if call.now_ms > capture.created_ms + _REFUNDABLE_MS:
        raise unprocessable("REFUND_TIME_LIMIT_EXCEEDED")
    amount = _amount(call, whole.of(whole.minor - gone), "REFUND_CAPTURE_CURRENCY_MISMATCH")
    if gone + amount.minor > whole.minor:
        raise unprocessable("REFUND_AMOUNT_EXCEEDED")
    if call.fault is not None and call.fault.kind is FaultKind.NO_FUNDS:
        raise unprocessable("REFUND_FAILED_INSUFFICIENT_FUNDS")
    texts: Json = {name: call.body[name] for name in ("custom_id", "invoice_id", "note_to_payer") if name in call.body}
    made = give_back(connection, call, capture, amount, texts=texts, turn=_refund_turn(call))
    return Answer(201, refund_view(connection, call, made), ("refund", made.resource_id))


def _the(connection: sqlite3.Connection, call: Call, kind: Kind) -> Resource:
    found = find(connection, kind, call.names["id"])
    if found is None:
        raise not_found()
    return found


def _require_held(held: Resource, *, expired: str = "AUTHORIZATION_EXPIRED") -> None:
    if held.body.get("_lapsed"):
        raise unprocessable(expired)
    if held.status not in {"CREATED", "PARTIALLY_CAPTURED"}:
        issue = {"VOIDED": "AUTHORIZATION_VOIDED", "CAPTURED": "AUTHORIZATION_ALREADY_CAPTURED"}
        raise unprocessable(issue.get(held.status, "AUTHORIZATION_DENIED"))


def _amount(call: Call, otherwise: Sum, mismatch: str) -> Sum:
    if call.body.get("amount") is None:
        return otherwise
    amount = read_sum(call.body["amount"], "/amount")
    if amount.currency != otherwise.currency:
        raise unprocessable(mismatch)
    return amount


def _turn(call: Call, order: Resource) -> Turn:
    """A hold that was given is honoured, however its instrument would turn out for a new payment."""
    instrument = read_instrument({**order.body["_instrument"], "outcome": TAKEN})
    kind = call.fault.kind if call.fault else None
    return turn_of(call, instrument, kind, call.fault.seconds if call.fault else 0)


def _void(connection: sqlite3.Connection, call: Call, held: Resource) -> None:
    held.due_ms = None
    held.body |= {"status": "VOIDED", "update_time": moment(call.now_ms)}
    save(connection, held)


def _refund_turn(call: Call) -> Turn:
    kind, seconds = (call.fault.kind, call.fault.seconds) if call.fault else (None, 0.0)
    ends: Json = {FaultKind.REFUND_PENDING: "COMPLETED", FaultKind.REFUND_FAILED: "FAILED"}
    if kind in ends:
        return Turn("PENDING", "ECHECK", settles_as=ends[kind], after_s=seconds)
    return Turn("COMPLETED")
