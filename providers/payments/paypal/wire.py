"""The shapes of PayPal's bodies: how requests are written, and what is read of every answer."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import quote

from pydantic import ValidationError

from providers.connector import Request, Wire
from providers.outcome import UnusableAnswer
from schemas.payments import Redirect

_APPROVALS: Final = ("payer-action", "approve")
"""Which of the two a page has depends on how its order was made; both lead the payer to it."""


def post(template: str, body: Mapping[str, Any] | None, *, key: str | None = None, **names: str) -> Request:
    """A request with its exact bytes.

    Args:
        template: the path, names in braces where `names` go.
        body: without what is absent; `None` where PayPal describes none.
        key: `PayPal-Request-Id`: a request that is repeated under it is answered as the first time.
    """
    written = b"" if body is None else json.dumps(without_absent(body), separators=(",", ":")).encode()
    return _written("POST", template, written, key, names)


def get(template: str, *, query: tuple[tuple[str, str], ...] = (), **names: str) -> Request:
    path = template.format_map(_quoted(names))
    return Request("GET", path, query=query, headers=(("Accept", "application/json"),), template=template)


def delete(template: str, *, key: str, **names: str) -> Request:
    return _written("DELETE", template, b"", key, names)


def without_absent(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {name: without_absent(child) for name, child in node.items() if child is not None}
    if isinstance(node, list):
        return [without_absent(child) for child in node]
    return node


def _written(
    method: Literal["POST", "DELETE"], template: str, body: bytes, key: str | None, names: Mapping[str, str]
) -> Request:
    headers: tuple[tuple[str, str], ...] = (
        ("Accept", "application/json"),
        ("Content-Type", "application/json"),
        ("Prefer", "return=representation"),
    )
    if key is not None:
        headers = (*headers, ("PayPal-Request-Id", key))
    return Request(method, template.format_map(_quoted(names)), body, headers=headers, template=template)


def _quoted(names: Mapping[str, str]) -> dict[str, str]:
    return {name: quote(value, safe="") for name, value in names.items()}


class Issue(Wire):
    issue: str | None = None


class Link(Wire):
    href: str | None = None
    rel: str | None = None


class Reply(Wire):
    """What any answer may be instead: a failure. Products and plans have a `name` too; a `debug_id` only failures."""

    name: str | None = None
    debug_id: str | None = None
    details: tuple[Issue, ...] | None = None
    error: str | None = None
    """Of the token's endpoint, and where a token is not taken."""
    links: tuple[Link, ...] | None = None

    @property
    def failed(self) -> bool:
        return self.debug_id is not None or self.error is not None

    @property
    def issues(self) -> tuple[str, ...]:
        return tuple(detail.issue for detail in self.details or () if detail.issue is not None)

    @property
    def word(self) -> str | None:
        """The most exact of its codes."""
        return next(iter(self.issues), self.name or self.error)


def page_of(reply: Reply) -> Redirect:
    """Where the payer has to go.

    Raises:
        UnusableAnswer: nowhere, or where no browser should be sent.
    """
    pages = [link.href for rel in _APPROVALS for link in reply.links or () if link.rel == rel]
    try:
        page = Redirect(url=pages[0] or "") if pages else None
    except ValidationError:
        page = None
    if page is None or not page.url.startswith("https://"):
        raise UnusableAnswer("there is no address to which the payer could be sent")
    return page
