"""Carrying out what an order asks for: every unit is held or taken, and the payer's instrument is kept.

Source: the published OpenAPI files, Orders v2; developer.paypal.com, Orders v2 errors.
"""

import sqlite3

from infra.sandbox.paypal.call import Answer, Call, moment, refused
from infra.sandbox.paypal.faults import FaultKind
from infra.sandbox.paypal.instruments import UNFUNDED, Instrument, read_instrument
from infra.sandbox.paypal.moving import Taking, hold, require_new_invoice, take, turn_of
from infra.sandbox.paypal.outbox import tell
from infra.sandbox.paypal.purchase import sum_of
from infra.sandbox.paypal.records import Kind, Resource, save
from infra.sandbox.paypal.refusing import Refused, unprocessable
from infra.sandbox.paypal.vaulting import keep_instrument
from infra.sandbox.paypal.views import PAGE, order_body, order_view

ASKED_OF_PAYER = {
    FaultKind.NOT_APPROVED: "ORDER_NOT_APPROVED",
    FaultKind.PAYER_ACTION: "PAYER_ACTION_REQUIRED",
    FaultKind.INSTRUMENT_DECLINED: "INSTRUMENT_DECLINED",
    FaultKind.PAYMENT_DENIED: "PAYMENT_DENIED",
}


def fulfil(connection: sqlite3.Connection, call: Call, order: Resource, status: int) -> Answer:
    """Hold or take what was ordered; `status` is the answer's where it succeeds.

    Raises:
        Refused: an invoice of it was paid before.
    """
    kind, seconds = _turned(call, order)
    instrument = read_instrument(order.body["_instrument"])
    issue = ASKED_OF_PAYER.get(kind) if kind else "INSTRUMENT_DECLINED" if instrument.outcome == UNFUNDED else None
    if issue is not None:
        return refused(_sent_back(connection, call, order, issue))
    for unit in order.body["purchase_units"]:
        require_new_invoice(connection, call, unit.get("invoice_id"), order.resource_id)
    turn = turn_of(call, instrument, kind, seconds)
    of_card = instrument.kind == "card"
    for index, unit in enumerate(order.body["purchase_units"]):
        taking = Taking(order, index, sum_of(unit), unit.get("custom_id"), unit.get("invoice_id"))
        if order.body["intent"] == "CAPTURE":
            take(connection, call, taking, turn, of_card=of_card)
        else:
            hold(connection, call, taking, turn, of_card=of_card)
    _complete(connection, call, order, instrument, kept=turn.status != "DECLINED")
    about: tuple[Kind, str] = ("order", order.resource_id)
    if kind is FaultKind.COMPLETION_RUNNING:
        running = unprocessable("ORDER_COMPLETION_IN_PROGRESS")
        return Answer(running.status, running.body(), about)
    return Answer(status, order_view(connection, call, order), about)


def _turned(call: Call, order: Resource) -> tuple[FaultKind | None, float]:
    """The fault of this call, else the one that was ordered with the order; the latter counts once."""
    if call.fault is not None:
        return call.fault.kind, call.fault.seconds
    ordered = order.body.pop("_fault", None)
    return (FaultKind(ordered["kind"]), ordered["seconds"]) if ordered else (None, 0)


def _sent_back(connection: sqlite3.Connection, call: Call, order: Resource, issue: str) -> Refused:
    """The order stands as it was; but for a mere delay the payer has to go to the page once more."""
    if issue in {"PAYER_ACTION_REQUIRED", "INSTRUMENT_DECLINED"}:
        order.body["status"] = "PAYER_ACTION_REQUIRED"
    save(connection, order)
    links = (call.page_link("redirect", f"{PAGE}?token={order.resource_id}"),)
    return unprocessable(issue, links=() if issue == "PAYMENT_DENIED" else links)


def _complete(
    connection: sqlite3.Connection, call: Call, order: Resource, instrument: Instrument, *, kept: bool
) -> None:
    shown = {**instrument.shown, **order.body["payment_source"].get(instrument.kind, {})}
    asked = order.body.pop("_keep", None)
    if asked and kept:
        shown["attributes"] = {"vault": keep_instrument(connection, call, instrument, asked["customer"])}
    order.body |= {
        "status": "COMPLETED",
        "payment_source": {instrument.kind: shown},
        "update_time": moment(call.now_ms),
    }
    order.due_ms = None
    save(connection, order)
    if kept:
        body = order_body(connection, call, order)
        tell(connection, call, "CHECKOUT.ORDER.COMPLETED", "checkout-order", body)
