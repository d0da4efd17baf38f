"""From rows to the arrays that `unnest` and COPY take, made fit for PostgreSQL."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

_UNSTORABLE: Final = re.compile(r"\\u0000|\\u[dD][89a-fA-F]|[0-9][eE][+-]?[0-9]{3}|[0-9]{1000}")
"""JSON that PostgreSQL's jsonb refuses: U+0000, surrogates that may stand alone, numbers beyond any reason."""


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
    if not _UNSTORABLE.search(text):
        try:
            json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            pass  # cut off, or not JSON at all: kept as text below
        else:
            return text
    return json.dumps(text.replace("\x00", "\ufffd"), ensure_ascii=False)


def _refuse(word: str) -> Any:
    raise ValueError(word)
