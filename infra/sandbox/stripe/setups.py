"""Setup intents: a card kept for later, without a payment.

Source: docs.stripe.com: API reference, Setup intents.
"""

from typing import Any, Final

from infra.sandbox.stripe import methods
from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.cards import CARDS
from infra.sandbox.stripe.confirming import next_action
from infra.sandbox.stripe.declining import card_error, not_authenticated
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.refusing import Refused, invalid, wrong_state
from infra.sandbox.stripe.shelf import Document, new_id

KIND: Final = "setup_intent"
_UNEXPECTED: Final = "setup_intent_unexpected_state"
_OPEN: Final = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
_REASONS: Final = ("abandoned", "duplicate", "requested_by_customer")


def create(call: Call) -> Document | Refused:
    fields = call.fields
    customer = fields.optional("customer")
    if customer is not None:
        call.shelf.get("customer", customer, "customer")
    confirmed = fields.flag("confirm")
    if "return_url" in fields and not confirmed:
        raise invalid("The parameter `return_url` can only be used with `confirm=true`.", "return_url")
    automatic = fields.inner("automatic_payment_methods")
    intent = new_setup(
        call,
        customer,
        usage=fields.choice("usage", ("off_session", "on_session")) or "off_session",
        metadata=fields.metadata(),
        redirects=automatic.choice("allow_redirects", ("always", "never")) or "always",
    )
    if confirmed:
        return _confirmed(call, intent)
    given = fields.optional("payment_method")
    if given is not None:
        method = methods.found(call, given, "payment_method")
        methods.usable(method, customer)
        intent = call.shelf.save(intent | {"payment_method": method["id"], "status": "requires_confirmation"})
    return intent


def new_setup(
    call: Call, customer: str | None, *, usage: str, metadata: dict[str, str], redirects: str = "always"
) -> Document:
    identifier = new_id("seti_1")
    intent = call.shelf.add(
        {
            "id": identifier,
            "object": KIND,
            "application": None,
            "automatic_payment_methods": {"allow_redirects": redirects, "enabled": True},
            "cancellation_reason": None,
            "client_secret": new_id(f"{identifier}_secret_"),
            "created": call.shelf.now_s,
            "customer": customer,
            "description": None,
            "flow_directions": None,
            "last_setup_error": None,
            "latest_attempt": None,
            "livemode": False,
            "mandate": None,
            "metadata": metadata,
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "payment_method_types": ["card"],
            "single_use_mandate": None,
            "status": "requires_payment_method",
            "usage": usage,
            "_redirects": redirects,
        }
    )
    tell(call, "setup_intent.created", intent)
    return intent


def retrieve(call: Call) -> Document:
    return call.shelf.get(KIND, call.identifier, "intent")


def list_setups(call: Call) -> Document:
    about = {name: call.fields.optional(name) for name in ("customer", "payment_method")}
    return listed(call, KIND, read_page(call, "created"), **about)


def confirm_setup(call: Call) -> Document | Refused:
    intent = retrieve(call)
    if intent["status"] not in _OPEN:
        message = f"You cannot confirm this SetupIntent because it has a status of {intent['status']}."
        raise wrong_state(message, code=_UNEXPECTED, setup_intent=intent)
    return _confirmed(call, intent)


def cancel(call: Call) -> Document:
    intent = retrieve(call)
    reason = call.fields.choice("cancellation_reason", _REASONS)
    if intent["status"] not in _OPEN:
        message = f"You cannot cancel this SetupIntent because it has a status of {intent['status']}."
        raise wrong_state(message, code=_UNEXPECTED, setup_intent=intent)
    intent = call.shelf.save(intent | {"status": "canceled", "cancellation_reason": reason, "next_action": None})
    tell(call, "setup_intent.canceled", intent)
    return intent


def confirm(call: Call, intent: Document, method: Document, return_url: str | None) -> Document | Refused:
    """The card is set up, or its bank wants to ask the payer first."""
    methods.usable(method, intent["customer"])
    if CARDS[method["_card"]].asks in {"always", "unless_set_up"}:
        asking = {"status": "requires_action", "payment_method": method["id"]}
        intent = call.shelf.save(intent | asking | {"next_action": next_action(call, intent, return_url)})
        tell(call, "setup_intent.requires_action", intent)
        return intent
    return set_up(call, intent, method)


def set_up(call: Call, intent: Document, method: Document) -> Document | Refused:
    """The card is kept for the customer, if its bank lets it."""
    card = CARDS[method["_card"]]
    if card.decline is not None and not card.attaches:
        return _failed(call, intent, card_error(card.decline, payment_method=method))
    kept: dict[str, Any] = {"_set_up": True}
    if intent["customer"] is not None:
        attached = methods.attached(call, method, intent["customer"])
        if isinstance(attached, Refused):
            return attached
        kept["customer"] = intent["customer"]
    call.shelf.save(method | kept)
    intent = call.shelf.save(
        intent | {"status": "succeeded", "payment_method": method["id"], "next_action": None, "last_setup_error": None}
    )
    tell(call, "setup_intent.succeeded", intent)
    if intent.get("_session"):
        call.shelf.falls_due("intent_moved", intent["id"], 0)
    return intent


def failed_at_bank(call: Call, intent: Document, method: Document) -> Refused:
    """The payer did not get through the bank's page."""
    return _failed(call, intent, not_authenticated("setup_intent_authentication_failure", payment_method=method))


def _confirmed(call: Call, intent: Document) -> Document | Refused:
    fields = call.fields
    given = fields.optional("payment_method") or intent["payment_method"]
    if given is None:
        message = "You cannot confirm this SetupIntent because it's missing a payment method."
        raise wrong_state(message, code=_UNEXPECTED, setup_intent=intent)
    return_url = fields.optional("return_url")
    if return_url is None and intent["_redirects"] != "never" and not fields.flag("use_stripe_sdk"):
        message = "A payment method might redirect the customer: send a return_url, or allow_redirects=never."
        raise Refused(message, param="return_url", executed=False)
    return confirm(call, intent, methods.found(call, given, "payment_method"), return_url)


def _failed(call: Call, intent: Document, refused: Refused) -> Refused:
    told = {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent = call.shelf.save(intent | told | {"last_setup_error": dict(refused.error)})
    tell(call, "setup_intent.setup_failed", intent)
    refused.error["setup_intent"] = intent
    return refused
