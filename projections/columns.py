"""From rows to the arrays that `unnest` and COPY take, made fit for PostgreSQL."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from pydantic_core import from_json

_ESCAPED: Final = re.compile(r"\\u0000|\\u[dD][89a-fA-F]")
_ENDLESS: Final = re.compile(r"[0-9]{1000}")
_ALIKE: Final = bytes.maketrans(b"123456789E", b"000000000e")
"""All digits look alike; with plus and minus left out, a plain search finds what a pattern would need long for."""


def columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """One list for each column of `rows`, which are not empty."""
    return [_column(column) for column in zip(*rows, strict=True)]


def tidy(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return list(zip(*(_column(column) for column in zip(*rows, strict=True)), strict=True))


def _column(values: Iterable[Any]) -> list[Any]:
    # Written out here, since this sees every value of every row.
    return [value.replace("\x00", "\ufffd") if type(value) is str and "\x00" in value else value for value in values]


def storable(value: Any) -> Any:
    """Text without U+0000, which PostgreSQL cannot hold: U+FFFD stands in its place. Other values as they are."""
    return value.replace("\x00", "\ufffd") if isinstance(value, str) and "\x00" in value else value


def as_jsonb(text: str) -> str | None:
    """`text` as JSON that jsonb takes: itself when it is such JSON, digits untouched; else one JSON string of it."""
    if not text:
        return None
    if not _holds_unstorable(text) and _is_json(text):
        return text
    return json.dumps(text.replace("\x00", "\ufffd"), ensure_ascii=False)


def _holds_unstorable(text: str) -> bool:
    """What PostgreSQL's jsonb refuses: U+0000, surrogates that may stand alone, numbers beyond any reason."""
    alike = text.encode("utf-8", "replace").translate(_ALIKE, b"+-")
    return (
        (b"\\u" in alike and _ESCAPED.search(text) is not None)
        or (b"0e000" in alike and _has_large_exponent(alike))
        or (b"0" * 1000 in alike and _ENDLESS.search(text) is not None)
    )


def _has_large_exponent(alike: bytes) -> bool:
    # A number stands after a bracket, comma, colon or blank; digits and an `e` in the middle of a word are a digest's.
    at = alike.find(b"0e000")
    while at >= 0:
        if alike[:at].rstrip(b"0.")[-1:] in b"[,: \t\r\n":  # or after nothing at all
            return True
        at = alike.find(b"0e000", at + 1)
    return False


def _is_json(text: str) -> bool:
    try:
        from_json(text, allow_inf_nan=False)
    except ValueError:  # refused: nested too deeply for it, cut off, or not JSON at all
        try:
            json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            return False
    return True


def _refuse(word: str) -> Any:
    raise ValueError(word)
