"""Changes that a request orders as a JSON patch: `replace`, `add` and `remove` of what a path names."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from infra.sandbox.paypal.refusing import Json, invalid, unprocessable

Place = Callable[[list[Any], str], int]
"""Finds the place in a list that a path's part names; for parts that are not numbers."""


def patched(thing: Json, patches: Any, place: Place) -> Json:
    """The thing as the patches leave it.

    Raises:
        Refused: a patch is written wrongly, or names nothing that is there.
    """
    found = deepcopy(thing)
    if not isinstance(patches, list) or not patches:
        raise invalid("MISSING_REQUIRED_PARAMETER", "/")
    for patch in patches:
        if not isinstance(patch, dict) or not str(patch.get("path", "")).startswith("/"):
            raise unprocessable("INVALID_JSON_POINTER_FORMAT")
        *way, last = patch["path"].strip("/").split("/")
        inside: Any = found
        for part in way:
            inside = _inside(inside, part, place)
        _change(inside, last, patch, place)
    return found


def _inside(node: Any, part: str, place: Place) -> Any:
    try:
        return node[_index(node, part, place)] if isinstance(node, list) else node[part]
    except (KeyError, IndexError, TypeError):
        raise unprocessable("INVALID_JSON_POINTER_FORMAT") from None


def _index(node: list[Any], part: str, place: Place) -> int:
    return int(part) if part.isdigit() else place(node, part)


def _change(node: Any, last: str, patch: Json, place: Place) -> None:
    key = _index(node, last, place) if isinstance(node, list) else last
    match patch.get("op"):
        case "replace" | "add" if "value" in patch:
            try:
                node[key] = patch["value"]
            except (IndexError, TypeError):
                raise unprocessable("INVALID_JSON_POINTER_FORMAT") from None
        case "remove":
            try:
                del node[key]
            except (KeyError, IndexError, TypeError):
                raise unprocessable("INVALID_JSON_POINTER_FORMAT") from None
        case _:
            raise invalid("INVALID_PARAMETER_VALUE", "/op")


def no_places(_things: list[Any], _part: str) -> int:
    """For things whose lists are named by numbers alone."""
    raise unprocessable("INVALID_JSON_POINTER_FORMAT")
