"""The bank's page of 3-D Secure: the payer lets it through, does not, or leaves.

Source: docs.stripe.com: Authenticate with 3D Secure, "Manually handle 3D Secure authentication with redirect".
"""

from typing import Any, Final

from infra.sandbox.html import button, form, page
from infra.sandbox.stripe import methods, setups
from infra.sandbox.stripe.call import Call
from infra.sandbox.stripe.confirming import KIND, Confirmation, charge, failed_at_bank
from infra.sandbox.stripe.pages import Leave, Shown, amount_shown, over, with_query
from infra.sandbox.stripe.shelf import Document

_GONE: Final = "There is nothing to confirm here any more."


def show(call: Call) -> Shown | Leave:
    intent = _waiting(call)
    if intent is None:
        return over(_GONE)
    above = amount_shown(intent["amount"], intent["currency"]) if intent["object"] == KIND else ""
    buttons = (("Complete authentication", "succeed"), ("Fail authentication", "fail"), ("Leave", "leave"))
    parts = (button(text, "action", action) for text, action in buttons)
    return Shown(page("3D Secure", above, form("", *parts)))


def use(call: Call) -> Shown | Leave:
    """Who leaves has not answered: the intent waits on."""
    intent = _waiting(call)
    if intent is None:
        return over(_GONE)
    action = call.fields.optional("action")
    back = intent["next_action"]["redirect_to_url"]["return_url"]
    if action == "leave":
        return over("You have left the bank's page.")
    method = call.shelf.known(methods.KIND, intent["payment_method"])
    succeeded = action == "succeed"
    if intent["object"] == setups.KIND:
        settled: Any = setups.set_up if succeeded else setups.failed_at_bank
        settled(call, intent, method)
    elif succeeded:
        charge(call, intent, method, Confirmation(authenticated=True))
    else:
        failed_at_bank(call, intent, method)
    name = str(intent["object"])
    told = {
        name: str(intent["id"]),
        f"{name}_client_secret": str(intent["client_secret"]),
        "redirect_status": "succeeded" if succeeded else "failed",
    }
    return Leave(with_query(back, told))


def _waiting(call: Call) -> Document | None:
    """The intent whose payer this very page was made for."""
    intent = call.shelf.find(call.identifier)
    action = (intent or {}).get("next_action") or {}
    url = action.get("redirect_to_url", {}).get("url", "")
    return intent if intent is not None and url.endswith(call.path) and intent["status"] == "requires_action" else None
