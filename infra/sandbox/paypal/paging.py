"""Pages of a list, by the number of the page and its size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from infra.sandbox.paypal.call import Call
from infra.sandbox.paypal.refusing import Json, invalid

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; the first one has the number 1."""

    shown: Sequence[T]
    number: int
    total_items: int
    total_pages: int

    def links(self, call: Call) -> list[Json]:
        """To this page, and to those before and after it."""
        wanted = {"self": self.number, "first": 1, "last": max(1, self.total_pages)}
        if self.number < self.total_pages:
            wanted["next"] = self.number + 1
        if self.number > 1:
            wanted["prev"] = self.number - 1
        return [
            call.link(rel, f"{call.path}?{urlencode({**call.query, 'page': number})}") for rel, number in wanted.items()
        ]


def page_of(call: Call, rows: Sequence[T], *, usual: int, most: int) -> Page[T]:
    """The page that the query asks for.

    Raises:
        Refused: its number or size is none.
    """
    size = read_number(call, "page_size", usual, most)
    number = read_number(call, "page", 1, 2**31 - 1)
    begin = (number - 1) * size
    return Page(rows[begin : begin + size], number, len(rows), -(-len(rows) // size))


def read_number(call: Call, name: str, usual: int, most: int) -> int:
    """A whole number of the query, from 1 to `most`.

    Raises:
        Refused: it is none.
    """
    text = call.query.get(name, str(usual))
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= most:
        raise invalid("INVALID_PARAMETER_VALUE", name)
    return int(text)
