"""Looking for a value in bytes, however they spell it."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

SHORTEST: Final = 6
"""Bytes of a spelling; a shorter one would be found by chance."""
_LEVELS: Final = 3
"""How often JSON may stand as text within JSON: a record's value, in a provider's answer, in an event."""


def spellings(value: str | bytes) -> frozenset[bytes]:
    """The value as it is, in JSON (also within JSON), percent-encoded, as Python shows it, in hex and in base64."""
    given = value.encode() if isinstance(value, str) else value
    found = {given, *_shown(given), given.hex().encode(), given.hex().upper().encode(), *_in_base64(given)}
    if isinstance(value, str):
        found |= _in_json(value) | _in_addresses(value)
        found |= _in_base64(json.dumps(value, ensure_ascii=False)[1:-1].encode())
        found |= _in_base64(json.dumps(value)[1:-1].encode())
    return frozenset(spelling for spelling in found if len(spelling) >= SHORTEST)


def holding(places: Mapping[str, bytes], values: Iterable[str | bytes]) -> list[str]:
    """The names of the places where one of the values stands in any spelling."""
    wanted = {spelling for value in values for spelling in spellings(value)}
    assert wanted, "nothing was looked for"
    return [name for name, held in places.items() if any(spelling in held for spelling in wanted)]


def _in_json(text: str) -> set[bytes]:
    found, level = set[str](), {text}
    for _ in range(_LEVELS):
        # Writers differ: ASCII alone or not, a backslash before a slash or none, the digits of \u in capitals or not.
        level = {json.dumps(one, ensure_ascii=only)[1:-1] for one in level for only in (True, False)}
        found |= level | {one.replace("/", "\\/") for one in level} | {_capitals(one) for one in level}
    return {spelling.encode() for spelling in found}


def _capitals(escaped: str) -> str:
    parts = escaped.split("\\u")
    return parts[0] + "".join("\\u" + part[:4].upper() + part[4:] for part in parts[1:])


def _in_addresses(text: str) -> set[bytes]:
    once = {quote(text, safe=""), quote(text), quote_plus(text)}
    small = {_small(spelling) for spelling in once}
    return {spelling.encode() for spelling in once | small | {quote(spelling, safe="") for spelling in once}}


def _small(encoded: str) -> str:
    """The same with the digits after each % as small letters."""
    parts = encoded.split("%")
    return parts[0] + "".join("%" + part[:2].lower() + part[2:] for part in parts[1:])


def _shown(value: bytes) -> set[bytes]:
    """As Python shows bytes and texts in messages."""
    text = value.decode("utf-8", "replace")
    return {repr(value)[2:-1].encode(), ascii(text)[1:-1].encode(), text.encode("unicode_escape")}


def _in_base64(value: bytes) -> set[bytes]:
    """In the middle of whatever is encoded, so without the signs at both ends that its neighbours have a part in."""
    found = set()
    for before in range(3):
        first, last = -(-8 * before // 6), 8 * (before + len(value)) // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(bytes(before) + value + bytes(3))[first:last])
    return found
