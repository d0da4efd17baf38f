"""One page of a list, as subscriptions and payment links show theirs."""

from collections.abc import Mapping, Sequence
from typing import Final

from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import Json

_LONGEST_NUMBER: Final = 6


def paged(items: Sequence[Mapping[str, object]], query: Json) -> dict[str, object]:
    """Ten to a page unless `count` says otherwise.

    Raises:
        Refused: 11 for a page or count that is no number from 1.
    """
    page, count = read_page_number(query, "page", 1), read_page_number(query, "count", 10)
    return {
        "totalCount": len(items),
        "currentPage": page,
        "pageCount": -(-len(items) // count),
        "items": list(items[(page - 1) * count : page * count]),
    }


def read_page_number(query: Json, name: str, default: int | None = None) -> int:
    """A number from 1; `default` when it is absent, or refused when there is none."""
    text = str(query.get(name, "" if default is None else default))
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER and int(text)):
        raise Refused("11", detail=f"{name} must be a number from 1")
    return int(text)
