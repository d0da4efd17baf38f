"""Between bytes on Kafka and models: one place that decides what is readable.

Source: the hub's own contract; CloudEvents Kafka binding in binary mode.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.base import Order
from schemas.card_numbers import holds_card_number, is_number_of_card, may_hold_card_number
from schemas.envelope import Envelope, Header
from schemas.errors import UnreadableRecord

M = TypeVar("M", bound=BaseModel)

_Place = tuple[Any, str] | None
"""Where something stands in a JSON value: the place of what holds it, and the name or index there."""

_BLANKS_ESCAPED: Final = re.compile(r"\\[nrtf]")
_NUMBERS: Final = (int, float)

MAX_VALUE_BYTES: Final = 1024 * 1024
"""A command or event larger than this is not read (1 MiB)."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record ready to be appended.

    A null key or value is not the same as an empty one, and both travel as they are: a copy of a tombstone in the dead
    letters is a tombstone.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]

    def with_header(self, name: str, value: bytes) -> "Outgoing":
        return Outgoing(self.topic, self.key, self.value, (*self.headers, (name, value)))


@dataclass(frozen=True, slots=True)
class Incoming(Generic[M]):
    """A record that was read: who says it, and what."""

    envelope: Envelope
    key: str
    body: M


def encode(topic: str, key: str, envelope: Envelope, body: BaseModel) -> Outgoing:
    """The record for one event or command, its facts as compact JSON with absent fields left out."""
    value = body.model_dump_json(exclude_none=True).encode()
    return Outgoing(topic, key.encode(), value, tuple(envelope.headers()))


def decode(
    models: Mapping[str, type[M]], key: bytes | None, value: bytes | None, headers: Sequence[Header]
) -> Incoming[M]:
    """Read a record as one of `models` (by `ce_type`).

    Raises:
        UnreadableRecord: not one of them; `field` names the header, key or field, `detail` what to do. Neither repeats
            a value, which may be secret.
    """
    if value is None:
        raise UnreadableRecord("tombstone", "", "a record without a value says nothing; topics here are not compacted")
    if len(value) > MAX_VALUE_BYTES:
        raise UnreadableRecord("oversized", "", f"the value has {len(value)} bytes, at most {MAX_VALUE_BYTES} are read")
    envelope = Envelope.read(headers)
    model = models.get(envelope.type)
    if model is None:
        known = ", ".join(sorted(models))
        raise UnreadableRecord("unknown_type", "ce_type", f"no such type or version here; known are {known}")
    parsed = _json(value)
    spot = card_number_in(key, parsed, headers) if _may_hold_card_number(key, value, parsed, headers) else None
    if spot is not None:
        raise UnreadableRecord("card_number", spot, "card numbers never travel on Kafka; send a token or a card_ref")
    try:
        body = model.model_validate_json(value)
    except ValidationError as bad:
        raise _unreadable(bad.errors(include_url=False, include_input=False)[0]) from None
    text = (key or b"").decode("utf-8", "replace")
    # An order knows the key that its lane is chosen by; other records are keyed by whoever appends them.
    if isinstance(body, Order) and text != getattr(body, "key", text):
        raise UnreadableRecord("invalid_key", "key", f"the record's key must be the {body.keyed_by} of its body")
    return Incoming(envelope, text, body)


def digest(envelope: Envelope, key: str, body: BaseModel) -> bytes:
    """SHA-256 of what a command means: source, type, key and the decoded body, whatever its spelling on the wire.

    The source is part of it: the same id from another source is another command, and is refused rather than merged.
    """
    # Without defaults, so that a version that knows one more optional field still takes the same command for the same.
    facts = body.model_dump(mode="json", exclude_defaults=True)
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    parts = (envelope.source, envelope.type, key, canonical)
    return hashlib.sha256("\n".join(parts).encode()).digest()


def card_number_in(key: bytes | None, parsed: Any, headers: Iterable[Header]) -> str | None:
    """Where a card number stands: a dotted path, `key`, or a header's name; `None` when there is none."""
    if key is not None and holds_card_number(key.decode("utf-8", "replace")):
        return "key"
    for name, value in headers:
        if holds_card_number(name):
            return "header"
        if holds_card_number(value.decode("utf-8", "replace")):
            return name
    return _card_path(parsed)


def _may_hold_card_number(key: bytes | None, value: bytes, parsed: Any, headers: Sequence[Header]) -> bool:
    """False only when `card_number_in` would find nothing; tells most records without a look at each of their fields.

    In JSON without escapes digits stand in the value just as they are read from it; `parsed` is it without them.
    """
    parts = [key or b""]
    for name, content in headers:
        parts += (name.encode("utf-8", "replace"), content)
    if b"\\" in value:
        try:
            spelled = json.dumps(parsed, ensure_ascii=False)
        except RecursionError:
            return True
        value = _BLANKS_ESCAPED.sub("", spelled).encode("utf-8", "replace")
    parts.append(value)
    # Commas stand between no two digits of a card number, so that no digits of two parts are taken together.
    return may_hold_card_number(b",".join(parts))


def _card_path(parsed: Any) -> str | None:
    # A list of what is left to look at, not recursion: JSON may be nested deeper than Python's stack.
    left: list[tuple[Any, _Place]] = [(parsed, None)]
    while left:
        node, place = left.pop()
        kind = type(node)
        if kind is dict:
            # A name can hold a number too; the path then stops above it, so that the number is not repeated.
            if any(holds_card_number(name) for name in node):
                return _path(place)
            left.extend((child, (place, name)) for name, child in reversed(node.items()))
        elif kind is list:
            left.extend((node[index], (place, str(index))) for index in reversed(range(len(node))))
        elif (kind is str and holds_card_number(node)) or (kind in _NUMBERS and is_number_of_card(node)):
            return _path(place)
    return None


def _path(place: "_Place") -> str:
    steps: list[str] = []
    while place is not None:
        place, step = place
        steps.append(step)
    return ".".join(reversed(steps)) or "value"


def _json(value: bytes) -> Any:
    try:
        return json.loads(value.decode(), object_pairs_hook=_no_repeats, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise UnreadableRecord("not_json", "", "the value must be JSON in UTF-8") from None
    except json.JSONDecodeError as bad:
        where = f"the value is not JSON (line {bad.lineno}, column {bad.colno})"
        raise UnreadableRecord("not_json", "", where) from None
    except RecursionError:
        raise UnreadableRecord("not_json", "", "the value is nested too deeply") from None
    except ValueError:  # an integer of thousands of digits
        raise UnreadableRecord("not_json", "", "the value holds a number that cannot be read") from None


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableRecord("not_json", twice, "the name stands twice in one object; readers would disagree")
    return found


def _no_constant(word: str) -> Any:
    raise UnreadableRecord("not_json", "", f"{word} is not JSON")


def _unreadable(error: ErrorDetails) -> UnreadableRecord:
    kind, message = error["type"], error["msg"].removeprefix("Value error, ")
    if kind == "json_invalid":  # pydantic's parser is stricter than ours, about lone surrogates for one
        return UnreadableRecord("not_json", "", message)
    if kind == "union_tag_invalid":  # its own message repeats the value
        message = f"must be one of {error['ctx']['expected_tags']}"
    path = [str(step) for step in error["loc"]]
    if kind == "value_error" and (not path or path[-1].isdecimal()):
        # A rule over a whole model: its message begins with the field's name.
        path.append(message.split(" ", 1)[0])
    return UnreadableRecord("invalid_field", ".".join(path), message)
