"""Refunds: made at once, pending until the bank has them, or come back later.

Source: docs.stripe.com: API reference, Refunds; Refund and cancel payments; Testing, "Refunds".
"""

from typing import Final

from infra.sandbox.stripe import charges
from infra.sandbox.stripe.amounts import optional_amount
from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.cards import CARDS
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.faults import FaultKind
from infra.sandbox.stripe.money import move
from infra.sandbox.stripe.refusing import Refused, invalid
from infra.sandbox.stripe.shelf import Document, new_id

KIND: Final = "refund"
_REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer")


def create(call: Call) -> Document:
    charge = _charge_of(call)
    left = charge["amount"] - charge["amount_refunded"]
    if charge["refunded"] or left == 0:
        raise Refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if charge["disputed"] and not charge.get("_refundable", False):
        raise Refused(f"Charge {charge['id']} has been charged back.", code="charge_disputed")
    amount = optional_amount(call.fields, "amount", charge["currency"]) or left
    if amount > left:
        message = f"Refund amount ({amount}) is greater than what is left of the charge ({left})."
        raise Refused(message, code="amount_too_large", param="amount")
    refund = _new_refund(call, charge, amount)
    charge = charge | {"amount_refunded": charge["amount_refunded"] + amount}
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.shelf.save(charge)
    tell(call, "refund.created", refund)
    charges.tell_charge(call, "refunded", charge)
    return refund


def retrieve(call: Call) -> Document:
    return call.shelf.get(KIND, call.identifier, "refund")


def list_refunds(call: Call) -> Document:
    about = {name: call.fields.optional(name) for name in ("charge", "payment_intent")}
    return listed(call, KIND, read_page(call, "created"), **about)


def settle(call: Call, identifier: str, status: str) -> Document:
    """What the bank says to a pending refund; or that it gave back one that seemed to be made."""
    refund = call.shelf.known(KIND, identifier)
    if refund["status"] == status or refund["status"] not in {"pending", "succeeded", "requires_action"}:
        return refund
    was = {"status": refund["status"]}
    refund = refund | {"status": status, "pending_reason": None}
    if status == "failed":
        refund = _come_back(call, refund)
    call.shelf.save(refund)
    tell(call, "refund.failed" if status == "failed" else "refund.updated", refund, was)
    tell(call, "charge.refund.updated", refund, was)
    return refund


def _come_back(call: Call, refund: Document) -> Document:
    """The money is in the account again."""
    moved = move(
        call.shelf,
        "refund_failure",
        refund["amount"],
        refund["currency"],
        refund["id"],
        at_once=True,
    )
    charge = call.shelf.known("charge", refund["charge"])
    left = charge["amount_refunded"] - refund["amount"]
    call.shelf.save(charge | {"amount_refunded": left, "refunded": False})
    return refund | {"failure_balance_transaction": moved["id"], "failure_reason": "expired_or_canceled_card"}


def _charge_of(call: Call) -> Document:
    """Raises: Refused: neither charge nor intent is told, there is none of this id, or nothing was taken."""
    fields, shelf = call.fields, call.shelf
    intent_id, charge_id = fields.optional("payment_intent"), fields.optional("charge")
    if (intent_id is None) == (charge_id is None):
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or charge.", "charge"
        )
    fields.choice("reason", _REASONS)
    if intent_id is not None:
        charge_id = shelf.get("payment_intent", intent_id, "payment_intent")["latest_charge"]
    charge = shelf.get("charge", charge_id, "charge") if charge_id else None
    if charge is None or not charge["paid"] or not charge["captured"]:
        raise Refused("This payment does not have a successful charge to refund.", code="charge_not_refundable")
    return charge


def _new_refund(call: Call, charge: Document, amount: int) -> Document:
    shelf, fault = call.shelf, call.fault
    outcome, after_s = CARDS[charge["_card"]].refund, call.account.refund_s
    if fault is not None and fault.kind in {FaultKind.REFUND_PENDING, FaultKind.REFUND_FAILED}:
        outcome = "pending" if fault.kind is FaultKind.REFUND_PENDING else "failed"
        after_s = fault.seconds
    moved = move(shelf, "refund", -amount, charge["currency"], identifier := new_id("re_3"))
    refund = {
        "id": identifier,
        "object": KIND,
        "amount": amount,
        "balance_transaction": moved["id"],
        "charge": charge["id"],
        "created": shelf.now_s,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "destination_details": {
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
            "type": "card",
        },
        "failure_balance_transaction": None,
        "metadata": call.fields.metadata(),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": "processing" if outcome == "pending" else None,
        "reason": call.fields.optional("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if outcome == "pending" else "succeeded",
        "transfer_reversal": None,
    }
    if outcome != "succeeded":
        shelf.falls_due("refund_succeeds" if outcome == "pending" else "refund_fails", identifier, after_s)
    return shelf.add(refund)
