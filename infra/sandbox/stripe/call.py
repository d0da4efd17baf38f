"""One request as an operation sees it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from infra.sandbox.stripe.account import Account
from infra.sandbox.stripe.faults import Fault
from infra.sandbox.stripe.fields import Fields
from infra.sandbox.stripe.refusing import Refused, invalid
from infra.sandbox.stripe.shelf import Document, Page, Shelf

_MOST_LISTED: Final = 100
_LISTED: Final = 10
_BOUNDS: Final = ("gt", "gte", "lt", "lte")


@dataclass(frozen=True, slots=True)
class Call:
    """`origin` is where the sandbox was called, so that its pages can be named.

    What time alone brings about is a call too, without request id and key.
    """

    shelf: Shelf
    account: Account
    fields: Fields = field(default_factory=lambda: Fields({}))
    identifier: str = ""  # the id in the path
    origin: str = ""
    path: str = ""
    request_id: str | None = None
    key: str | None = None
    fault: Fault | None = None


Operation = Callable[[Call], Document | Refused]


def read_page(call: Call, *dated: str) -> Page:
    """Which part of a list is asked for; `dated` are the members that can be bound.

    Raises:
        Refused: a bound or the limit is no whole number, or the limit is out of bounds.
    """
    limit = call.fields.number("limit")
    if limit is not None and not 1 <= limit <= _MOST_LISTED:
        raise invalid("This value must be between 1 and 100.", "limit")
    bounds = []
    for name in dated:
        asked = call.fields.inner(name)
        asked.only(_BOUNDS)
        found = ((name, word, asked.number(word)) for word in _BOUNDS)
        bounds += [(name, word, bound) for name, word, bound in found if bound is not None]
    return Page(
        limit or _LISTED, call.fields.optional("starting_after"), call.fields.optional("ending_before"), tuple(bounds)
    )


def listed(call: Call, kind: str, page: Page, **equal: object) -> Document:
    """A list object of what has these members."""
    found, more = call.shelf.page(kind, page, **equal)
    return {"object": "list", "data": found, "has_more": more, "url": call.path}
