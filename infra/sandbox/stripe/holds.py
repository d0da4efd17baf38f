"""What becomes of a hold: captured, cancelled, or lapsed. An intent that nobody paid yet is cancelled too.

Source: docs.stripe.com: API reference, Payment intents; Place a hold on a payment method.
"""

from typing import Final

from infra.sandbox.stripe import charges
from infra.sandbox.stripe.amounts import optional_amount
from infra.sandbox.stripe.call import Call
from infra.sandbox.stripe.confirming import KIND
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.intents import retrieve
from infra.sandbox.stripe.refusing import Refused, wrong_state
from infra.sandbox.stripe.shelf import Document

_REASONS: Final = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
_CANCELLED_FROM: Final = frozenset(
    {"requires_payment_method", "requires_capture", "requires_confirmation", "requires_action"}
)


def capture(call: Call) -> Document:
    """Part of a hold or all of it; what is left of it is released."""
    intent = retrieve(call)
    if intent["status"] != "requires_capture":
        message = f"This PaymentIntent could not be captured because it has a status of {intent['status']}."
        raise wrong_state(message, payment_intent=intent)
    amount = optional_amount(call.fields, "amount_to_capture", intent["currency"]) or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        message = "The amount to capture is greater than what can be captured of the PaymentIntent."
        raise Refused(message, code="amount_too_large", param="amount_to_capture", payment_intent=intent)
    if not call.fields.flag("final_capture", default=True):
        raise Refused("Several captures are not enabled for this account.", param="final_capture", executed=False)
    charge = call.shelf.known("charge", intent["latest_charge"])
    charge = charge | {"captured": True, "amount_captured": amount, "amount_refunded": intent["amount"] - amount}
    charge = charges.book(call, charge, amount)
    call.shelf.never_due("hold_lapses", intent["id"])
    intent = intent | {
        "status": "succeeded",
        "amount_capturable": 0,
        "amount_received": amount,
        "metadata": call.fields.metadata(intent["metadata"]),
    }
    call.shelf.save(intent)
    charges.tell_charge(call, "captured", charge)
    tell(call, "payment_intent.succeeded", intent)
    return intent


def cancel(call: Call) -> Document:
    intent = retrieve(call)
    reason = call.fields.choice("cancellation_reason", _REASONS)
    if intent["status"] not in _CANCELLED_FROM or intent.get("_session"):
        why = "it belongs to a Checkout Session" if intent.get("_session") else f"it has a status of {intent['status']}"
        raise wrong_state(f"You cannot cancel this PaymentIntent because {why}.", payment_intent=intent)
    return cancelled(call, intent, reason)


def cancelled(call: Call, intent: Document, reason: str | None) -> Document:
    """Nothing can be taken any more; a hold is let go."""
    if intent["status"] == "requires_capture":
        charge = charges.release(call, call.shelf.known("charge", intent["latest_charge"]))
        charges.tell_charge(call, "expired" if reason == "expired" else "refunded", charge)
        call.shelf.never_due("hold_lapses", intent["id"])
    intent = intent | {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": call.shelf.now_s,
        "cancellation_reason": reason,
        "next_action": None,
    }
    call.shelf.save(intent)
    tell(call, "payment_intent.canceled", intent)
    return intent


def lapse(call: Call, identifier: str) -> None:
    """A hold that nobody captured in time."""
    intent = call.shelf.known(KIND, identifier)
    if intent["status"] == "requires_capture":
        cancelled(call, intent, "expired")
