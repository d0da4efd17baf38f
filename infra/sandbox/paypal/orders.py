"""Orders: created, looked up, changed, captured and authorized. Source: the published OpenAPI files, Orders v2."""

import sqlite3
from typing import Final

from infra.sandbox.paypal.call import Answer, Call, moment
from infra.sandbox.paypal.faults import FaultKind
from infra.sandbox.paypal.fulfilling import fulfil
from infra.sandbox.paypal.naming import new_id
from infra.sandbox.paypal.patching import patched
from infra.sandbox.paypal.purchase import read_intent, read_units
from infra.sandbox.paypal.records import Resource, find, insert, save
from infra.sandbox.paypal.refusing import Json, Refused, invalid, not_found, unprocessable
from infra.sandbox.paypal.sources import Source, read_source
from infra.sandbox.paypal.views import PAGE, order_body, order_view

_LATER: Final = frozenset(
    {
        FaultKind.NOT_APPROVED,
        FaultKind.PAYER_ACTION,
        FaultKind.INSTRUMENT_DECLINED,
        FaultKind.PAYMENT_DENIED,
        FaultKind.COMPLETION_RUNNING,
        FaultKind.DECLINED,
        FaultKind.ECHECK,
        FaultKind.ECHECK_DECLINED,
        FaultKind.REVIEW,
    }
)
"""Faults that, ordered with the creation of an order that waits for its payer, come once that is completed."""


def create_order(connection: sqlite3.Connection, call: Call) -> Answer:
    intent, units = read_intent(call.body), read_units(call.body)
    if intent == "AUTHORIZE" and "authorizations" not in call.store.permissions:
        raise unprocessable("AUTH_CAPTURE_NOT_ENABLED")
    if "payment_source" in call.body and call.request_id is None:
        raise invalid("PAYPAL_REQUEST_ID_REQUIRED", "PayPal-Request-Id")
    source = read_source(connection, call)
    order = insert(connection, _new_order(call, intent, units, source))
    if source is None or source.needs_payer:
        order.body["status"] = "CREATED" if "payment_source" not in call.body else "PAYER_ACTION_REQUIRED"
        if call.fault is not None and call.fault.kind in _LATER:
            order.body["_fault"] = {"kind": str(call.fault.kind), "seconds": call.fault.seconds}
        save(connection, order)
        return Answer(201, order_view(connection, call, order), ("order", order.resource_id))
    answer = fulfil(connection, call, order, 201)
    if answer.about is None:  # refused: nobody could come back to an order whose id was never told
        raise _as_refusal(answer)
    return answer


def get_order(connection: sqlite3.Connection, call: Call) -> Answer:
    return Answer(200, order_body(connection, call, the_order(connection, call)))


def patch_order(connection: sqlite3.Connection, call: Call) -> Answer:
    order = the_order(connection, call)
    if order.status not in {"CREATED", "APPROVED"}:
        raise unprocessable("ORDER_ALREADY_COMPLETED")
    units = patched({"purchase_units": order.body["purchase_units"]}, call.body, _by_reference)
    order.body["purchase_units"] = read_units(units)
    order.body["update_time"] = moment(call.now_ms)
    save(connection, order)
    return Answer(204)


def confirm_source(connection: sqlite3.Connection, call: Call) -> Answer:
    """The payer's way to pay is set on an order that has none yet."""
    order = the_order(connection, call)
    if order.status not in {"CREATED", "PAYER_ACTION_REQUIRED"}:
        raise unprocessable("PAYMENT_ALREADY_APPROVED")
    source = read_source(connection, call)
    if source is None or "payment_source" not in call.body:
        raise invalid("MISSING_REQUIRED_PARAMETER", "/payment_source")
    _set_source(order, source)
    order.body["status"] = "PAYER_ACTION_REQUIRED" if source.needs_payer else "APPROVED"
    save(connection, order)
    return Answer(200, order_view(connection, call, order), ("order", order.resource_id))


def capture_order(connection: sqlite3.Connection, call: Call) -> Answer:
    return _complete(connection, call, "CAPTURE", "ORDER_ALREADY_CAPTURED")


def authorize_order(connection: sqlite3.Connection, call: Call) -> Answer:
    return _complete(connection, call, "AUTHORIZE", "ORDER_ALREADY_AUTHORIZED")


def the_order(connection: sqlite3.Connection, call: Call) -> Resource:
    """The order that the path names.

    Raises:
        Refused: it never was, or has lapsed.
    """
    order = find(connection, "order", call.names["id"])
    if order is None or order.body.get("_lapsed"):
        raise not_found()
    return order


def lapse(connection: sqlite3.Connection, order: Resource) -> None:
    """Nobody completed it in time; from now on it is not found."""
    order.due_ms = None
    order.body["_lapsed"] = True
    save(connection, order)


def _complete(connection: sqlite3.Connection, call: Call, intent: str, already: str) -> Answer:
    order = the_order(connection, call)
    if order.body["intent"] != intent:
        raise unprocessable("ACTION_DOES_NOT_MATCH_INTENT")
    if order.status == "COMPLETED":
        raise unprocessable(already)
    source = read_source(connection, call) if "payment_source" in call.body else None
    if source is not None and source.instrument is not None:
        _set_source(order, source)
        if not source.needs_payer:
            order.body["status"] = "APPROVED"
    if order.status == "PAYER_ACTION_REQUIRED":
        links = (call.page_link("payer-action", f"{PAGE}?token={order.resource_id}"),)
        raise unprocessable(
            "PAYER_ACTION_REQUIRED" if "card" in order.body.get("payment_source", {}) else "ORDER_NOT_APPROVED",
            links=links,
        )
    if order.status != "APPROVED":
        raise unprocessable("ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.")
    return fulfil(connection, call, order, 201)


def _new_order(call: Call, intent: str, units: list[Json], source: Source | None) -> Resource:
    order_id = new_id()
    body: Json = {
        "id": order_id,
        "intent": intent,
        "status": "CREATED",
        "purchase_units": [{**unit, "payee": _payee(call)} for unit in units],
        "create_time": moment(call.now_ms),
        "update_time": moment(call.now_ms),
    }
    if "processing_instruction" in call.body:
        body["processing_instruction"] = call.body["processing_instruction"]
    due_ms = call.now_ms + round(call.store.order_s * 1000)
    order = Resource(order_id, "order", None, body, due_ms, call.now_ms)
    if source is not None:
        _set_source(order, source)
    return order


def _set_source(order: Resource, source: Source) -> None:
    order.body |= {"_return_url": source.return_url, "_cancel_url": source.cancel_url}
    if source.shown is not None:
        order.body["payment_source"] = source.shown
    if source.instrument is not None:
        order.body["_instrument"] = source.instrument.stored()
        if source.instrument.payer is not None:
            order.body["payer"] = source.instrument.payer
    if source.keep is not None:
        order.body["_keep"] = source.keep


def _payee(call: Call) -> Json:
    return {"email_address": call.store.merchant_email, "merchant_id": call.store.merchant_id}


def _by_reference(units: list[Json], key: str) -> int:
    """The place of a unit that a patch names as `@reference_id=='…'`."""
    wanted = key.removeprefix("@reference_id==").strip("'")
    for index, unit in enumerate(units):
        if unit["reference_id"] == wanted:
            return index
    raise unprocessable("REFERENCE_ID_NOT_FOUND")


def _as_refusal(answer: Answer) -> Refused:
    details = (answer.body or {})["details"]
    return unprocessable(details[0]["issue"], details[0].get("description", ""))
