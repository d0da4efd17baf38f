"""One attempt at a card: a charge that succeeds, is held, or is declined. And what becomes of it later."""

from typing import Any, Final

from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.cards import CARDS, Card
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.money import fee_of, move
from infra.sandbox.stripe.shelf import Document, new_id

DAY_S: Final = 24 * 3600
_HELD_S: Final = 7 * DAY_S
_HELD_ALONE_S: Final = 4 * DAY_S + 18 * 3600
"""A hold of Visa's without the payer."""
_DISPUTED_AFTER_S: Final = 1
_TOLD_AFTER_S: Final = 0.5


def retrieve(call: Call) -> Document:
    return call.shelf.get("charge", call.identifier, "id")


def list_charges(call: Call) -> Document:
    about = {name: call.fields.optional(name) for name in ("customer", "payment_intent")}
    return listed(call, "charge", read_page(call, "created"), **about)


def held_s(card: Card, *, off_session: bool) -> int:
    return _HELD_ALONE_S if off_session and card.brand == "visa" else _HELD_S


def make(
    call: Call,
    intent: Document,
    method: Document,
    *,
    decline_code: str | None = None,
    authenticated: bool = False,
    off_session: bool = False,
) -> Document:
    """A charge for all of the intent; not yet captured where the intent wants a hold, failed with a decline code."""
    shelf, card = call.shelf, CARDS[method["_card"]]
    failed, held = decline_code is not None, intent["capture_method"] == "manual"
    charge = {
        "id": new_id("ch_3"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0 if failed or held else intent["amount"],
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "KOLAJ SANDBOX",
        "captured": not failed and not held,
        "created": shelf.now_s,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": decline_code and "card_declined",
        "failure_message": decline_code and "Your card was declined.",
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": _outcome(decline_code),
        "paid": not failed,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {
            "card": _card_details(call, card, intent, held=held, authenticated=authenticated, off_session=off_session),
            "type": "card",
        },
        "radar_options": {},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "failed" if failed else "succeeded",
        "transfer": None,
        "transfer_data": None,
        "transfer_group": None,
        "_card": method["_card"],
    }
    return shelf.add(charge)


def book(call: Call, charge: Document, amount: int, *, told_later: bool = False) -> Document:
    """The money of a captured charge comes in; `told_later`, the charge names its movement a moment after."""
    moved = move(
        call.shelf,
        "charge",
        amount,
        charge["currency"],
        charge["id"],
        fee=fee_of(amount, charge["currency"]),
    )
    if CARDS[charge["_card"]].dispute is not None:
        call.shelf.falls_due("dispute", charge["id"], _DISPUTED_AFTER_S)
    if told_later:
        call.shelf.falls_due("booking_told", charge["id"], _TOLD_AFTER_S)
        return call.shelf.save(charge | {"_booked": moved["id"]})
    return call.shelf.save(charge | {"balance_transaction": moved["id"]})


def tell_booking(call: Call, identifier: str) -> None:
    charge = call.shelf.known("charge", identifier)
    charge = call.shelf.save(charge | {"balance_transaction": charge["_booked"]})
    tell_charge(call, "updated", charge, {"balance_transaction": None})


def release(call: Call, charge: Document) -> Document:
    """A hold is let go: Stripe counts it as refunded, although nothing came in."""
    return call.shelf.save(charge | {"refunded": True, "amount_refunded": charge["amount"]})


def tell_charge(call: Call, word: str, charge: Document, previous: dict[str, Any] | None = None) -> None:
    tell(call, f"charge.{word}", charge, previous)


def _outcome(decline_code: str | None) -> dict[str, Any]:
    failed = decline_code is not None
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": "05" if failed else None,
        "network_status": "declined_by_network" if failed else "approved_by_network",
        "reason": decline_code,
        "risk_level": "normal",
        "risk_score": 20,
        "rule": None,
        "seller_message": "The bank did not accept it." if failed else "Payment complete.",
        "type": "issuer_declined" if failed else "authorized",
    }


def _card_details(
    call: Call, card: Card, intent: Document, *, held: bool, authenticated: bool, off_session: bool
) -> dict[str, Any]:
    shown = card.shown()
    kept = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")
    secure = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "result": "authenticated",
        "result_reason": None,
        "version": "2.2.0",
    }
    return {
        "amount_authorized": intent["amount"],
        "authorization_code": None,
        **{name: shown[name] for name in kept},
        "capture_before": call.shelf.now_s + held_s(card, off_session=off_session) if held else None,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": "unregulated",
        "setup_credential_usage": None,
        "stored_credential_usage": None,
        "three_d_secure": secure if authenticated else None,
    }
