"""JSON that keeps the digits of exact decimals."""

import json
from collections.abc import Mapping
from decimal import Decimal

_plain = json.JSONEncoder(ensure_ascii=False).encode


def to_json(value: object) -> str:
    """JSON in which a Decimal is a number with exactly its own digits: 1.20 stays 1.20, zero may read 0E-8."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join([f"{_plain(key)}:{to_json(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(to_json, value)) + "]"
    return _plain(value)
