"""Documents as an answer shows them: without what is the sandbox's own, and with what was asked to be told in full.

Source: docs.stripe.com: API reference, Expanding responses.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from infra.sandbox.stripe.refusing import invalid
from infra.sandbox.stripe.shelf import Document, Shelf

INCLUDABLE: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "checkout.session": frozenset({"line_items"}),
        "customer": frozenset({"subscriptions"}),
        "invoice": frozenset({"payments"}),
    }
)
"""Members of an object that are left out unless they are asked for."""
_DEEPEST: Final = 4


def bare(document: Document) -> Document:
    """As an event tells it."""
    return _shown(document, {})


def render(document: Document, shelf: Shelf, expand: Iterable[str]) -> Document:
    """As an answer tells it.

    Raises:
        Refused: what is to be expanded is no object, or lies too deep.
    """
    tree: dict[str, Any] = {}
    for path in expand:
        steps = path.split(".")
        if len(steps) > _DEEPEST:
            raise invalid(f"You cannot expand more than 4 levels of a property: {path}", "expand")
        node = tree
        for step in steps:
            node = node.setdefault(step, {})
    return _expanded(document, shelf, tree)


def _expanded(document: Document, shelf: Shelf, tree: Mapping[str, Any]) -> Document:
    shown = _shown(document, tree)
    for name, below in tree.items():
        if name not in document:
            raise invalid(f"This property cannot be expanded ({name}).", "expand")
        value = document[name]
        if isinstance(value, str):
            found = shelf.find(value)
            if found is None:
                raise invalid(f"This property cannot be expanded ({name}).", "expand")
            shown[name] = _expanded(found, shelf, below)
        elif isinstance(value, list):
            shown[name] = [_row(row, shelf, below) for row in value]
        elif isinstance(value, dict):
            shown[name] = _expanded(value, shelf, below)
    return shown


def _row(row: Any, shelf: Shelf, below: Mapping[str, Any]) -> Any:
    return _expanded(row, shelf, below) if isinstance(row, dict) else row


def _shown(document: Document, asked: Mapping[str, Any]) -> Document:
    left_out = INCLUDABLE.get(str(document.get("object")), frozenset()) - asked.keys()
    return {name: _plain(value) for name, value in document.items() if name[:1] != "_" and name not in left_out}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return _shown(value, {}) if "object" in value else {name: _plain(inner) for name, inner in value.items()}
    return [_plain(row) for row in value] if isinstance(value, list) else value
