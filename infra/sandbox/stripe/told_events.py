"""Events, as they are listed.

Source: docs.stripe.com: API reference, Events.
"""

from infra.sandbox.stripe.call import Call, read_page
from infra.sandbox.stripe.shelf import Document


def retrieve(call: Call) -> Document:
    return call.shelf.get("event", call.identifier, "id")


def list_events(call: Call) -> Document:
    """The newest first; `types` or `type` choose among them."""
    wanted = [*call.fields.texts("types"), *filter(None, [call.fields.optional("type")])]
    page = read_page(call, "created")
    found, more = call.shelf.page("event", page, type=wanted[0] if len(wanted) == 1 else None)
    shown = [event for event in found if not wanted or event["type"] in wanted]
    return {"object": "list", "data": shown, "has_more": more, "url": call.path}
