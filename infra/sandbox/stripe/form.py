"""Stripe's forms: names with brackets, as nested members. `a[b]=1&c[0][d]=2&e[]=3`."""

import re
from typing import Any, Final
from urllib.parse import parse_qsl

from infra.sandbox.stripe.refusing import Refused, invalid

_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART: Final = re.compile(r"\[([^\[\]]*)\]")
_MOST_FIELDS: Final = 1000
_DEEPEST: Final = 10

Nested = dict[str, Any]


def read_form(text: str) -> Nested:
    """Members by name; what has an index or none in its brackets (`[0]`, `[]`) is a member named after its position.

    Raises:
        Refused: a name is no name, or stands for a value and for members at once.
    """
    found: Nested = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except (ValueError, UnicodeDecodeError) as error:
        raise Refused("The form cannot be read.", executed=False) from error
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        path = [] if match is None else [match[1], *_PART.findall(match[2])]
        if not path or len(path) > _DEEPEST:
            raise invalid(f"Invalid parameter name: {name}", name)
        _put(found, path, value, name)
    return found


def _put(into: Nested, path: list[str], value: str, name: str) -> None:
    for step in path[:-1]:
        into = into.setdefault(step or str(len(into)), {})
        if not isinstance(into, dict):
            raise invalid(f"Invalid parameter: {name} has a value and members", name)
    last = path[-1] or str(len(into))
    if isinstance(into.get(last), dict):
        raise invalid(f"Invalid parameter: {name} has a value and members", name)
    into[last] = value
