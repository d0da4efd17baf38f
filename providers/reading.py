"""Bytes to values: JSON read exactly, so that an amount is never a binary fraction and never ambiguous."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from pydantic import ValidationError

from providers.connector import Wire

_MOST_DIGITS: Final = 28
"""No amount or identifier is longer, and decimal arithmetic is exact up to here. A number like 1E+999999999 would fill
the memory once it is written out."""


class Unreadable(ValueError):
    """The body is not one JSON value that every reader would read alike. The message never repeats the body."""


def parse_json(body: bytes) -> Any:
    """Read a JSON text: fractions as `Decimal`, whole numbers as `int`.

    Raises:
        Unreadable: empty, not UTF-8, not JSON, a name twice in one object, NaN or Infinity, a number of more than 28
            digits, or nesting too deep to follow.
    """
    try:
        return json.loads(
            body.decode(),
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
            object_pairs_hook=_no_repeats,
        )
    except UnicodeDecodeError:
        raise Unreadable("the body is not UTF-8 text") from None
    except RecursionError:
        raise Unreadable("the body is nested too deeply") from None
    except json.JSONDecodeError as bad:
        where = "the body is empty" if not body.strip() else f"the body is not JSON (position {bad.pos})"
        raise Unreadable(where) from None


def read_wire(parsed: Any, model: type[Wire]) -> Wire:
    """The fields that a connector reads.

    Raises:
        Unreadable: a field is missing or has another shape; the message names the fields and none of their values.
    """
    try:
        return model.model_validate(parsed)
    except ValidationError as bad:
        fields = sorted({".".join(str(step) for step in error["loc"]) or "body" for error in bad.errors()})
        raise Unreadable(f"not as expected: {', '.join(fields)}") from None


def is_sane(number: Decimal) -> bool:
    """Whether a number can be written out in full without harm."""
    return (
        number.is_finite() and abs(number.adjusted()) <= _MOST_DIGITS and len(number.as_tuple().digits) <= _MOST_DIGITS
    )


def _decimal(text: str) -> Decimal:
    if len(text) <= _MOST_DIGITS and "e" not in text and "E" not in text:
        return Decimal(text)  # so few plain digits are sane
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Unreadable("the body holds a number that cannot be read") from None
    if not is_sane(number):
        raise Unreadable("the body holds a number of absurd size")
    return number


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise Unreadable("the body holds a number of absurd size")
    return int(text)


def _no_constant(word: str) -> Any:
    raise Unreadable(f"{word} is not JSON")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("a name stands twice in one object; readers would disagree")
    return found
