"""Parts of a request's JSON, read so that nothing strange in them is more than a refusal."""

import re
from typing import Any, Final

from infra.sandbox.paypal.refusing import Json, invalid

_COUNT: Final = re.compile(r"[0-9]{1,9}")


def part(node: Json, name: str) -> Json:
    """An object that may be missing, and is empty then.

    Raises:
        Refused: it is something else.
    """
    value = node.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid("INVALID_PARAMETER_SYNTAX", f"/{name}")
    return value


def text(node: Json, name: str, *, longest: int = 4_000) -> str | None:
    """A text that may be missing.

    Raises:
        Refused: it is something else, empty, or too long.
    """
    value = node.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid("INVALID_PARAMETER_SYNTAX", f"/{name}")
    if not 1 <= len(value) <= longest:
        raise invalid("INVALID_STRING_LENGTH", f"/{name}")
    return value


def rows(node: Json, name: str) -> list[Json]:
    """A list of objects, which must be there and not empty.

    Raises:
        Refused: it is missing or something else.
    """
    value: Any = node.get(name)
    if value is None or value == []:
        raise invalid("MISSING_REQUIRED_PARAMETER", f"/{name}")
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise invalid("INVALID_PARAMETER_SYNTAX", f"/{name}")
    return value


def number(node: Json, name: str, least: int, most: int, *, default: int | None = None) -> int:
    """A whole number within bounds.

    Raises:
        Refused: it is missing without a default, something else, or out of bounds.
    """
    value = node.get(name, default)
    if value is None:
        raise invalid("MISSING_REQUIRED_PARAMETER", f"/{name}")
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid("INVALID_PARAMETER_SYNTAX", f"/{name}")
    if not least <= value <= most:
        raise invalid("INVALID_PARAMETER_VALUE", f"/{name}")
    return value


def count(node: Json, name: str) -> int:
    """A whole number that is written as a text; 1 where it is missing.

    Raises:
        Refused: it is something else.
    """
    value = text(node, name)
    if value is None:
        return 1
    if not (value.isascii() and _COUNT.fullmatch(value)):
        raise invalid("INVALID_PARAMETER_SYNTAX", f"/{name}")
    return int(value)
