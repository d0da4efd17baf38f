"""Payment intents.

Source: docs.stripe.com: API reference, Payment intents; The Payment Intents API.
"""

import re
from typing import Any, Final

from infra.sandbox.stripe import methods
from infra.sandbox.stripe.amounts import optional_amount, read_amount, read_currency, require_chargeable
from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.confirming import KIND, Confirmation, confirm
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.fields import Fields
from infra.sandbox.stripe.refusing import Refused, invalid, wrong_state
from infra.sandbox.stripe.shelf import Document, new_id

_CAPTURES: Final = ("automatic", "automatic_async", "manual")
_USAGES: Final = ("off_session", "on_session")
_CONFIRMED_FROM: Final = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
_URL: Final = re.compile(r"https?://[^\s<>\"]+")
_ONLY_CONFIRMED: Final = ("error_on_requires_action", "off_session", "return_url", "mandate", "mandate_data")


def create(call: Call) -> Document | Refused:
    fields = call.fields
    currency = read_currency(fields)
    amount = read_amount(fields, "amount", currency)
    require_chargeable(amount, currency, "amount")
    confirmed = fields.flag("confirm")
    for name in _ONLY_CONFIRMED:
        if name in fields and not confirmed:
            raise invalid(f"The parameter `{name}` can only be used with `confirm=true`.", name)
    customer = fields.optional("customer")
    if customer is not None:
        call.shelf.get("customer", customer, "customer")
    intent = new_intent(
        call,
        amount,
        currency,
        customer=customer,
        capture_method=fields.choice("capture_method", _CAPTURES) or "automatic_async",
        setup_future_usage=fields.choice("setup_future_usage", _USAGES),
        metadata=fields.metadata(),
        redirects=_redirects(fields),
        description=fields.optional("description"),
    )
    if confirmed:
        return _confirmed(call, intent)
    method = _method_of(call)
    if method is not None:
        methods.usable(method, customer)
        intent = call.shelf.save(intent | {"payment_method": method["id"], "status": "requires_confirmation"})
    return intent


def new_intent(
    call: Call,
    amount: int,
    currency: str,
    *,
    customer: str | None,
    capture_method: str = "automatic_async",
    setup_future_usage: str | None = None,
    metadata: dict[str, str] | None = None,
    redirects: str = "always",
    description: str | None = None,
) -> Document:
    """An intent that nobody has confirmed."""
    shelf = call.shelf
    identifier = new_id("pi_3")
    intent = shelf.add(
        {
            "id": identifier,
            "object": KIND,
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": {"allow_redirects": redirects, "enabled": True},
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": capture_method,
            "client_secret": new_id(f"{identifier}_secret_"),
            "confirmation_method": "automatic",
            "created": shelf.now_s,
            "currency": currency,
            "customer": customer,
            "description": description,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": metadata or {},
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "payment_method_types": ["card"],
            "payment_record": None,
            "processing": None,
            "receipt_email": None,
            "review": None,
            "setup_future_usage": setup_future_usage,
            "shipping": None,
            "source": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": None,
            "_redirects": redirects,
        }
    )
    tell(call, "payment_intent.created", intent)
    return intent


def retrieve(call: Call) -> Document:
    return call.shelf.get(KIND, call.identifier, "intent")


def list_intents(call: Call) -> Document:
    return listed(call, KIND, read_page(call, "created"), customer=call.fields.optional("customer"))


def update(call: Call) -> Document:
    """Metadata and description at any time; the amount until it is confirmed."""
    intent, fields = retrieve(call), call.fields
    changed: dict[str, Any] = {"metadata": fields.metadata(intent["metadata"])}
    if "description" in fields:
        changed["description"] = fields.optional("description")
    amount = optional_amount(fields, "amount", intent["currency"])
    if amount is not None:
        if intent["status"] not in _CONFIRMED_FROM:
            raise wrong_state("This PaymentIntent's amount could not be updated.", payment_intent=intent)
        require_chargeable(amount, intent["currency"], "amount")
        changed["amount"] = amount
    return call.shelf.save(intent | changed)


def confirm_intent(call: Call) -> Document | Refused:
    intent = retrieve(call)
    if intent["status"] not in _CONFIRMED_FROM:
        message = f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}."
        raise wrong_state(message, payment_intent=intent)
    fields = call.fields
    changed = {
        "capture_method": fields.choice("capture_method", _CAPTURES) or intent["capture_method"],
        "setup_future_usage": fields.choice("setup_future_usage", _USAGES) or intent["setup_future_usage"],
    }
    return _confirmed(call, intent | changed)


def _confirmed(call: Call, intent: Document) -> Document | Refused:
    fields = call.fields
    method = _method_of(call)
    if method is None and intent["payment_method"] is not None:
        method = call.shelf.known(methods.KIND, intent["payment_method"])
    if method is None:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise wrong_state(message, payment_intent=intent)
    return_url = fields.optional("return_url")
    if return_url is not None and not _URL.fullmatch(return_url):
        raise invalid("Not a valid URL", "return_url", "url_invalid")
    script = fields.flag("use_stripe_sdk")
    if return_url is None and intent["_redirects"] != "never" and not script:
        message = "A payment method might redirect the customer: send a return_url, or allow_redirects=never."
        raise Refused(message, param="return_url", executed=False)
    card = fields.inner("payment_method_options").inner("card")
    secure = card.choice("request_three_d_secure", ("any", "automatic", "challenge")) or "automatic"
    intent["payment_method_options"] = {"card": {"request_three_d_secure": secure}}
    how = Confirmation(
        off_session=off_session(fields),
        no_action=fields.flag("error_on_requires_action"),
        secure=secure != "automatic",
        return_url=None if script else return_url,
    )
    return confirm(call, intent, method, how)


def _method_of(call: Call) -> Document | None:
    """Raises: Refused: it is told twice, or there is none of this id."""
    token, method = call.fields.optional("confirmation_token"), call.fields.optional("payment_method")
    if token is not None and method is not None:
        raise invalid("You may only pass one of `payment_method` and `confirmation_token`.", "payment_method")
    if token is not None:
        kept = call.shelf.get("confirmation_token", token, "confirmation_token")
        return call.shelf.known(methods.KIND, kept["_payment_method"])
    return None if method is None else methods.found(call, method, "payment_method")


def _redirects(fields: Fields) -> str:
    automatic = fields.inner("automatic_payment_methods")
    automatic.only(("allow_redirects", "enabled"))
    redirects = automatic.choice("allow_redirects", ("always", "never")) or "always"
    if redirects == "never" and not automatic.flag("enabled"):
        raise invalid(
            "Missing required param: automatic_payment_methods[enabled].", "automatic_payment_methods[enabled]"
        )
    return redirects


def off_session(fields: Fields) -> bool:
    """Whether the payer is not there.

    Raises:
        Refused: it is no word for that.
    """
    word = fields.optional("off_session")
    if word not in {None, "true", "false", "one_off", "recurring"}:
        raise invalid(f"Invalid off_session: {word}", "off_session")
    return word not in {None, "false"}
