"""What a buyer does on Checkout's page, and how the page is over.

Source: docs.stripe.com: How Checkout works; Checkout fulfillment; Testing.
"""

from typing import Any, Final

from infra.sandbox.html import button, choice, field, form, page, paragraph
from infra.sandbox.stripe import intents, methods, setups
from infra.sandbox.stripe.call import Call
from infra.sandbox.stripe.cards import CARDS
from infra.sandbox.stripe.checkout.sessions import KIND
from infra.sandbox.stripe.confirming import KIND as INTENT
from infra.sandbox.stripe.confirming import Confirmation, confirm
from infra.sandbox.stripe.customers import new_customer
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.pages import Leave, Shown, amount_shown, over
from infra.sandbox.stripe.refusing import Refused
from infra.sandbox.stripe.shelf import Document, undoing
from infra.sandbox.stripe.subscriptions.beginning import begin, new_item, new_subscription

_GONE: Final = "This page is no longer there."
_PAID: Final = frozenset({"succeeded", "requires_capture", "processing"})


def show(call: Call, problem: str = "") -> Shown | Leave:
    session = call.shelf.find(call.identifier, KIND)
    if session is None or session["status"] != "open":
        return over(_GONE)
    total = session["amount_total"]
    above = "" if total is None else amount_shown(total, session["currency"])
    alert = paragraph(problem, alert=True) if problem else ""
    parts = (
        field("email", "E-mail", session["customer_email"] or "", kind="email"),
        choice("payment_method", "Card", [(name, name) for name in CARDS]),
        button("Pay", "action", "pay"),
        button("Back", "action", "leave"),
    )
    return Shown(page("Checkout", above, alert, form("", *parts)))


def use(call: Call) -> Shown | Leave:
    """Who goes back may come again while the page is open; so may who was declined."""
    session = call.shelf.find(call.identifier, KIND)
    if session is None or session["status"] != "open":
        return over(_GONE)
    if call.fields.optional("action") == "leave":
        return Leave(session["cancel_url"]) if session["cancel_url"] else over("You have left the page.")
    if call.fields.optional("payment_method") not in CARDS:
        return show(call, "Choose a card.")
    method = methods.found(call, call.fields.text("payment_method"), "payment_method")
    session = _with_customer(call, session)
    match session["mode"]:
        case "payment":
            result: Document | Refused = _pay(call, session, method)
        case "setup":
            result = _set_up(call, session, method)
        case _:
            result = _subscribe(call, session, method)
    if isinstance(result, Refused):
        return show(call, str(result))
    if result.get("status") == "requires_action":
        return Leave(result["next_action"]["redirect_to_url"]["url"])
    return after(call)


def after(call: Call) -> Shown | Leave:
    """Where the browser goes on from the page, or comes back to from the bank."""
    session = call.shelf.find(call.identifier, KIND)
    if session is None or session["status"] == "expired":
        return over(_GONE)
    intent = call.shelf.find(str(session["payment_intent"] or session["setup_intent"]))
    if intent is not None and intent["status"] in _PAID:
        session = follow(call, intent) or session
    if session["status"] == "complete":
        return Leave(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))
    return Leave(f"{call.origin}/pay/{session['id']}")


def follow(call: Call, intent: Document) -> Document | None:
    """The page moves with its intent: it is over once that is paid, held, or taken to be decided."""
    session = call.shelf.find(str(intent.get("_session")), KIND)
    if session is None:
        return None
    paid = intent["status"] == "succeeded" and session["mode"] == "payment"
    if session["status"] == "open" and intent["status"] in _PAID:
        return _completed(call, session, {"payment_status": "paid"} if paid else {})
    if session["status"] != "complete" or session["payment_status"] != "unpaid":
        return session
    if paid:
        session = call.shelf.save(session | {"payment_status": "paid"})
        if session.get("_waited"):
            tell(call, "checkout.session.async_payment_succeeded", session)
    elif intent["status"] == "requires_payment_method":
        tell(call, "checkout.session.async_payment_failed", session)
    return session


def _pay(call: Call, session: Document, method: Document) -> Document | Refused:
    asked = session["_asked"]
    intent = call.shelf.find(str(session["payment_intent"]), INTENT)
    if intent is None:
        intent = intents.new_intent(
            call,
            session["amount_total"],
            session["currency"],
            customer=session["customer"],
            capture_method=asked["capture_method"],
            setup_future_usage=asked["setup_future_usage"],
            metadata=asked["metadata"],
            description=asked["description"],
        )
        intent = call.shelf.save(intent | {"_session": session["id"]})
        call.shelf.save(session | {"payment_intent": intent["id"]})
    return confirm(call, intent, method, Confirmation(return_url=_way_back(call, session)))


def _set_up(call: Call, session: Document, method: Document) -> Document | Refused:
    intent = call.shelf.find(str(session["setup_intent"]), setups.KIND)
    if intent is None:
        metadata = session["_asked"]["metadata"]
        intent = setups.new_setup(call, session["customer"], usage="off_session", metadata=metadata)
        intent = call.shelf.save(intent | {"_session": session["id"]})
        call.shelf.save(session | {"setup_intent": intent["id"]})
    return setups.confirm(call, intent, method, _way_back(call, session))


def _subscribe(call: Call, session: Document, method: Document) -> Document | Refused:
    """The buyer is there, but a bank that wants to ask is not led to from here: it refuses."""
    asked = session["_asked"]
    kept = methods.attached(call, method, session["customer"])
    if isinstance(kept, Refused):
        return kept
    lines = session["line_items"]["data"]
    items = [new_item(call, line["price"], line["quantity"]) for line in lines]
    days = asked["trial_period_days"]
    if days is None:
        days = lines[0]["price"]["recurring"]["trial_period_days"]
    about = {"metadata": asked["subscription_metadata"], "method": kept["id"]}
    try:
        with undoing(call.shelf.connection):
            made = new_subscription(call, session["customer"], items, **about)
            made = begin(call, made, "error_if_incomplete", trial_days=days or 0, alone=False)
    except Refused as refused:
        return refused
    told = {"subscription": made["id"], "invoice": made["latest_invoice"]}
    return _completed(call, session, told | {"payment_status": "no_payment_required" if days else "paid"})


def _completed(call: Call, session: Document, told: dict[str, Any]) -> Document:
    waits = call.shelf.find(str(session["payment_intent"]), INTENT)
    waited = waits is not None and waits["status"] == "processing"
    session = call.shelf.save(session | told | {"status": "complete", "url": None, "_waited": waited})
    call.shelf.never_due("page_expires", session["id"])
    tell(call, "checkout.session.completed", session)
    return session


def _with_customer(call: Call, session: Document) -> Document:
    """A customer is made where one is wanted, or needed to keep the card for."""
    email = call.fields.optional("email") or session["customer_email"]
    details: dict[str, Any] = {
        "address": None,
        "email": email,
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    needed = session["customer_creation"] == "always" or session["_asked"]["setup_future_usage"] is not None
    customer = session["customer"]
    if customer is None and needed:
        customer = new_customer(call, {"email": email})["id"]
    return call.shelf.save(session | {"customer": customer, "customer_details": details})


def _way_back(call: Call, session: Document) -> str:
    return f"{call.origin}/paid/{session['id']}"
