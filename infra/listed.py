"""Settings that are a JSON list, or the path of a file that holds one."""

import json
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from schemas.card_numbers import holds_card_number

T = TypeVar("T")


def read_list(text: str, entries: TypeAdapter[tuple[T, ...]]) -> tuple[T, ...]:
    """The entries of the list; none when the text is blank.

    Raises:
        ValueError: not such a list; the message says where.
    """
    source = text.strip()
    if not source:
        return ()
    if not source.startswith("["):
        try:
            source = Path(source).read_text(encoding="utf-8")
        except OSError as bad:
            raise ValueError(
                f"{source} cannot be read ({bad.strerror}); give a JSON list or the path of a file with one"
            ) from bad
    if holds_card_number(source):
        raise ValueError("holds a card number; none belongs into settings, take it out")
    try:
        json.loads(source)
        return entries.validate_json(source)
    except json.JSONDecodeError as bad:
        raise ValueError(f"is not JSON (line {bad.lineno}, column {bad.colno})") from bad
    except ValidationError as bad:
        first = bad.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"entry {where}: {first['msg'].removeprefix('Value error, ')}") from None
