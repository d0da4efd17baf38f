"""Confirming a payment intent: the bank may want to ask the payer, decline, hold, or pay.

Source: docs.stripe.com: The Payment Intents API, "Lifecycle"; 3D Secure authentication; API reference, Payment intents.
"""

from dataclasses import dataclass
from typing import Any, Final

from infra.sandbox.stripe import charges, methods
from infra.sandbox.stripe.call import Call
from infra.sandbox.stripe.cards import CARDS, Card
from infra.sandbox.stripe.declining import card_error, not_authenticated
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.faults import FaultKind
from infra.sandbox.stripe.refusing import Refused
from infra.sandbox.stripe.shelf import Document, new_id

KIND: Final = "payment_intent"
_NOT_HANDLED: Final = "authentication_not_handled"
_REQUIRED: Final = "authentication_required"
_PROCESSING: Final = frozenset({FaultKind.PROCESSING_SUCCESS, FaultKind.PROCESSING_FAILED})


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How a payment is to be confirmed.

    Attributes:
        off_session: the payer is not there, so that the bank cannot ask.
        no_action: where the bank wants to ask, the payment is declined instead.
        secure: 3-D Secure is asked for, though the bank may not want it.
        authenticated: the payer has just been asked.
    """

    off_session: bool = False
    no_action: bool = False
    secure: bool = False
    return_url: str | None = None
    authenticated: bool = False


def confirm(call: Call, intent: Document, method: Document, how: Confirmation) -> Document | Refused:
    """The intent as it stands then, or the decline."""
    methods.usable(method, intent["customer"])
    intent = intent | {"payment_method": method["id"], "next_action": None, "last_payment_error": None}
    if not how.authenticated and _bank_asks(CARDS[method["_card"]], method, how):
        if how.off_session or how.no_action:
            return declined(call, intent, method, _REQUIRED if how.off_session else _NOT_HANDLED, how)
        return _asking(call, intent, how)
    fault = call.fault.kind if call.fault else None
    if call.fault is not None and fault in _PROCESSING:
        return _processing(call, intent, succeeds=fault == FaultKind.PROCESSING_SUCCESS, after_s=call.fault.seconds)
    return charge(call, intent, method, how)


def charge(call: Call, intent: Document, method: Document, how: Confirmation) -> Document | Refused:
    """What the bank says to the amount."""
    ordered = call.fault.kind.decline_code if call.fault else None
    decline = ordered or CARDS[method["_card"]].decline
    if decline is not None:
        return declined(call, intent, method, decline, how)
    made = charges.make(call, intent, method, authenticated=how.authenticated, off_session=how.off_session)
    _keep_method(call, intent, method)
    intent = intent | {"latest_charge": made["id"], "next_action": None}
    if intent["capture_method"] == "manual":
        intent = intent | {"status": "requires_capture", "amount_capturable": intent["amount"]}
        held = charges.held_s(CARDS[method["_card"]], off_session=how.off_session)
        call.shelf.falls_due("hold_lapses", intent["id"], held)
        charges.tell_charge(call, "succeeded", made)
        tell(call, "payment_intent.amount_capturable_updated", intent)
        return _moved(call, intent)
    intent = intent | {"status": "succeeded", "amount_received": intent["amount"]}
    charges.tell_charge(call, "succeeded", made)
    told_later = call.account.async_balance and intent["capture_method"] == "automatic_async"
    charges.book(call, made, made["amount_captured"], told_later=told_later)
    tell(call, "payment_intent.succeeded", intent)
    return _moved(call, intent)


def declined(call: Call, intent: Document, method: Document, code: str, how: Confirmation) -> Refused:
    """The intent falls back: another payment method may be tried."""
    made = charges.make(call, intent, method, decline_code=code, off_session=how.off_session)
    charges.tell_charge(call, "failed", made)
    refused = card_error(code, charge=made["id"], payment_method=_shown(method))
    return _fallen_back(call, intent | {"latest_charge": made["id"]}, refused)


def failed_at_bank(call: Call, intent: Document, method: Document) -> Refused:
    """The payer did not get through the bank's page."""
    refused = not_authenticated("payment_intent_authentication_failure", payment_method=_shown(method))
    return _fallen_back(call, intent, refused)


def decide(call: Call, intent: Document, *, succeeds: bool) -> None:
    """What was processing is decided."""
    method = call.shelf.known(methods.KIND, intent["payment_method"])
    if succeeds:
        charge(call, intent, method, Confirmation())
    else:
        declined(call, intent, method, "generic_decline", Confirmation())


def _fallen_back(call: Call, intent: Document, refused: Refused) -> Refused:
    intent = intent | {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": dict(refused.error),
    }
    _moved(call, intent)
    tell(call, "payment_intent.payment_failed", intent)
    refused.error["payment_intent"] = intent
    return refused


def _moved(call: Call, intent: Document) -> Document:
    """What the intent is for, a page or a bill, moves with it."""
    if intent.get("_session") or intent.get("_invoice"):
        call.shelf.falls_due("intent_moved", intent["id"], 0)
    return call.shelf.save(intent)


def _bank_asks(card: Card, method: Document, how: Confirmation) -> bool:
    match card.asks:
        case "always":
            return True
        case "unless_set_up":
            return not (how.off_session and method["_set_up"])
        case "on_request":
            return how.secure and not how.off_session
        case _:
            return False


def _asking(call: Call, intent: Document, how: Confirmation) -> Document:
    intent = intent | {"status": "requires_action", "next_action": next_action(call, intent, how.return_url)}
    intent["_off_session"] = how.off_session
    tell(call, "payment_intent.requires_action", intent)
    return call.shelf.save(intent)


def next_action(call: Call, intent: Document, return_url: str | None) -> dict[str, Any]:
    """A page where there is a way back from it; else what Stripe's script would do."""
    if return_url is None:
        return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    page = f"{call.origin}/3d_secure/{intent['id']}/{new_id('src_1')}"
    return {"redirect_to_url": {"return_url": return_url, "url": page}, "type": "redirect_to_url"}


def _processing(call: Call, intent: Document, *, succeeds: bool, after_s: float) -> Document:
    intent = _moved(call, intent | {"status": "processing"})
    call.shelf.falls_due("succeeds" if succeeds else "fails", intent["id"], after_s)
    tell(call, "payment_intent.processing", intent)
    return intent


def _keep_method(call: Call, intent: Document, method: Document) -> None:
    """Kept for later where that was asked for; without a customer it is used up."""
    if intent["setup_future_usage"] is not None and intent["customer"] is not None:
        call.shelf.save(method | {"_set_up": True, "customer": intent["customer"]})
        if method["customer"] is None:
            tell(call, "payment_method.attached", method | {"customer": intent["customer"]})
    elif method["customer"] is None:
        call.shelf.save(method | {"_used": True})


def _shown(method: Document) -> Document:
    return {name: value for name, value in method.items() if name[:1] != "_"}
