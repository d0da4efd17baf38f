"""Payment methods: the test ones, which become one of the account's own when they are used, and those of customers.

Source: docs.stripe.com: API reference, Payment methods; Testing.
"""

from typing import Any, Final

from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.cards import CARDS
from infra.sandbox.stripe.declining import card_error
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.refusing import Refused, invalid, missing
from infra.sandbox.stripe.shelf import Document, new_id

KIND: Final = "payment_method"
_TOKEN: Final = "tok_"  # noqa: S105 -- how the names of Stripe's tokens begin
_NOBODY: Final = {
    "address": {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None},
    "email": None,
    "name": None,
    "phone": None,
    "tax_id": None,
}


def create(call: Call) -> Document:
    """Of a token alone: card numbers are not taken here."""
    if call.fields.choice("type", ("card",)) is None:
        raise invalid("Missing required param: type.", "type", "parameter_missing")
    given = call.fields.inner("card")
    if "number" in given:
        message = "Sending credit card numbers directly to the Stripe API is generally unsafe. Send a token."
        raise Refused(message, param="card[number]", executed=False)
    name = f"pm_card_{given.text('token').removeprefix(_TOKEN)}"
    if name not in CARDS:
        raise missing("token", given.text("token"), "card[token]")
    return _fresh(call, name)


def retrieve(call: Call) -> Document:
    return found(call, call.identifier, "payment_method")


def list_methods(call: Call) -> Document:
    customer = call.fields.optional("customer")
    call.fields.choice("type", ("card",))
    if customer is None:
        return {"object": "list", "data": [], "has_more": False, "url": call.path}
    call.shelf.get("customer", customer, "customer")
    return listed(call, KIND, read_page(call), customer=customer)


def attach(call: Call) -> Document | Refused:
    customer = call.shelf.get("customer", call.fields.text("customer"), "customer")
    method = found(call, call.identifier, "payment_method")
    return attached(call, method, customer["id"])


def detach(call: Call) -> Document:
    method = found(call, call.identifier, "payment_method")
    if method["customer"] is None:
        raise Refused(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )
    customer = call.shelf.known("customer", method["customer"])
    settings = customer["invoice_settings"]
    if settings["default_payment_method"] == method["id"]:
        call.shelf.save(customer | {"invoice_settings": settings | {"default_payment_method": None}})
    method = call.shelf.save(method | {"customer": None, "_used": True})
    tell(call, "payment_method.detached", method, {"customer": customer["id"]})
    return method


def found(call: Call, name: str, param: str) -> Document:
    """The payment method of an id; a test one becomes a new one of the account's own.

    Raises:
        Refused: there is none of this id.
    """
    if name in CARDS:
        return _fresh(call, name)
    return call.shelf.get(KIND, name, param)


def attached(call: Call, method: Document, customer: str) -> Document | Refused:
    """Attach it; the card's bank may not let it."""
    if method["customer"] == customer:
        return method
    if method["customer"] is not None:
        return Refused("The payment method you provided has already been attached to a customer.", param=KIND)
    if method["_used"]:
        return _used_up()
    card = CARDS[method["_card"]]
    if card.decline is not None and not card.attaches:
        return card_error(card.decline)
    method = call.shelf.save(method | {"customer": customer})
    tell(call, "payment_method.attached", method)
    return method


def usable(method: Document, customer: str | None) -> None:
    """Raises: Refused: it is somebody else's, or was used up."""
    if method["customer"] is not None and method["customer"] != customer:
        whose = "that customer's" if customer is None else "another customer's"
        raise Refused(f"The provided PaymentMethod is {whose}; send the customer it is attached to.", param=KIND)
    if method["customer"] is None and method["_used"]:
        raise _used_up()


def confirmation_token(call: Call) -> Document:
    """What the browser's script makes, made by the test helper of the same name."""
    method = found(call, call.fields.text("payment_method"), "payment_method")
    shelf = call.shelf
    preview: dict[str, Any] = {"billing_details": method["billing_details"], "card": method["card"], "type": "card"}
    return shelf.add(
        {
            "id": new_id("ctoken_1"),
            "object": "confirmation_token",
            "created": shelf.now_s,
            "expires_at": shelf.now_s + 12 * 3600,
            "livemode": False,
            "mandate_data": None,
            "payment_intent": None,
            "payment_method_options": None,
            "payment_method_preview": preview | {"customer": None},
            "return_url": call.fields.optional("return_url"),
            "setup_future_usage": call.fields.choice("setup_future_usage", ("off_session", "on_session")),
            "setup_intent": None,
            "shipping": None,
            "use_stripe_sdk": False,
            "_payment_method": method["id"],
        }
    )


def _fresh(call: Call, name: str) -> Document:
    return call.shelf.add(
        {
            "id": new_id("pm_1"),
            "object": KIND,
            "allow_redisplay": "unspecified",
            "billing_details": _NOBODY,
            "card": CARDS[name].shown(),
            "created": call.shelf.now_s,
            "customer": None,
            "livemode": False,
            "metadata": {},
            "type": "card",
            "_card": name,
            "_set_up": False,
            "_used": False,
        }
    )


def _used_up() -> Refused:
    return Refused(
        "The provided PaymentMethod was used without a customer or was detached from one, and cannot be used again.",
        code="payment_method_unexpected_state",
        param=KIND,
    )
