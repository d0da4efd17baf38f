"""Records that could not be read, or not be sent for too long: kept as they came, until somebody sends them again.

A dead letter is the original record, key, value and headers byte for byte, with the headers below added. Three things
can be different, and each is said: a card number is masked wherever it stands (`kolaj-dead-masked`), what does not fit
into one record is cut off (`kolaj-dead-cut`), and a header whose value was null has an empty one.
"""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from schemas.card_numbers import holds_card_number, is_number_of_card, mask_card_numbers
from schemas.envelope import Header
from schemas.errors import HubError, UnreadableRecord
from schemas.ids import created_at, derived_id
from streams.codec import Outgoing, card_number_in
from streams.records import RawRecord, ascii_fold, header, without
from streams.topics import Topic

PREFIX: Final = "kolaj-dead-"
"""Headers that tell about the failure; they are taken off when the record is sent again."""
REQUEUED: Final = "kolaj-requeued"
"""How often the record was sent again; it stays on the record through any number of round trips."""
REQUEST: Final = "kolaj-requeue-id"
"""Which request of an operator sent it; two requests are two attempts, a redelivery is none."""
REQUEUED_FROM: Final = "kolaj-requeued-from"
"""The dead letter that it was made of, as PARTITION/OFFSET."""
RETRY_OF: Final = "ce_retryof"
"""The id that a command sent again under a new id had before: an extension attribute of CloudEvents."""

CLAIMED: Final = frozenset({"gave_up"})
"""Reasons of dead letters whose command the ledger has claimed and concluded: its id has its one result already."""

_ROOM_BYTES: Final = 2 * 1024 * 1024 - 16 * 1024
"""What a dead letter may hold besides our headers, so that it fits wherever the original did."""
_HEADER_COST_BYTES: Final = 16
_FIELD_LIMIT: Final = 500
_DETAIL_LIMIT: Final = 2_000


class NotRequeuable(HubError):
    """A dead letter cannot be sent again; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as it lies in the log, and what its headers tell.

    Attributes:
        topic, partition, offset, timestamp_ms: where and when the original lay.
        attempts: how often it has failed, this time included.
        masked: a card number was replaced, so that these are not the original bytes.
        cut_from: the original's size in bytes when not all of it was kept, else `None`.
        record: the dead letter itself; its own coordinates name it.
        integration_id: where the command was going, as far as that was known.
    """

    reason: str
    field: str
    detail: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    attempts: int
    masked: bool
    cut_from: int | None
    record: RawRecord
    integration_id: str | None = None

    @property
    def place(self) -> str:
        """Its name, PARTITION/OFFSET."""
        return f"{self.record.partition}/{self.record.offset}"

    @property
    def claimed(self) -> bool:
        """Its command was claimed and concluded, so that it can only be sent again as a new command."""
        return self.reason in CLAIMED

    @property
    def headers(self) -> tuple[Header, ...]:
        """The original's headers."""
        return tuple((name, value or b"") for name, value in without(self.record.headers, PREFIX))


def dead_letter(
    topic: Topic | str, record: RawRecord, error: UnreadableRecord, *, integration_id: str | None = None
) -> Outgoing:
    """The dead letter for a record, which has failed once more often than it was requeued."""
    key, value = record.key, record.value
    headers = tuple((name, content or b"") for name, content in without(record.headers, PREFIX))
    # Whatever the reason was: a record that is not JSON, or of an unknown type, was refused before its contents were
    # looked at, and may hold a card number all the same.
    masked = without_card_numbers(key, value, headers)
    if masked is not None:
        key, value, headers = masked
    size = _size(key, value, headers)
    if size > _ROOM_BYTES:
        key, value, headers = _cut(key, value, headers)
    facts = {
        "reason": _shown(error.reason, _FIELD_LIMIT),
        "field": _shown(error.field, _FIELD_LIMIT),
        "detail": _shown(error.detail, _DETAIL_LIMIT),
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "timestamp": str(record.timestamp_ms),
        "attempts": str(_count(record.headers) + 1),
    }
    if integration_id is not None:
        facts["integration"] = integration_id
    if masked is not None:
        facts["masked"] = "true"
    if size > _ROOM_BYTES:
        facts["cut"] = str(size)
    added = tuple((PREFIX + name, text.encode("utf-8", "backslashreplace")) for name, text in facts.items())
    return Outgoing(topic if isinstance(topic, str) else topic.name, key, value, (*headers, *added))


def read_dead_letter(record: RawRecord) -> DeadLetter:
    """What a record of the dead-letter topic tells.

    Raises:
        UnreadableRecord: it was not written as a dead letter; `field` names the header.
    """
    cut = record.text(PREFIX + "cut")
    return DeadLetter(
        reason=_text(record, "reason"),
        field=_text(record, "field"),
        detail=_text(record, "detail"),
        topic=_text(record, "topic"),
        partition=_number(record, "partition"),
        offset=_number(record, "offset"),
        timestamp_ms=_number(record, "timestamp"),
        attempts=_number(record, "attempts"),
        masked=record.header(PREFIX + "masked") is not None,
        cut_from=int(cut) if cut and cut.isdecimal() else None,
        record=record,
        integration_id=record.text(PREFIX + "integration"),
    )


def retry_id(dead: DeadLetter) -> UUID:
    """The id of the new command that a dead letter becomes: the same each time, so that sent twice it is one command.

    It is made of the old command's id and time, since one command may lie in the dead letters several times.
    """
    old = (header(dead.headers, "ce_id") or b"").decode("utf-8", "replace")
    # A publisher's clock may have been ahead, and an id from the future is refused.
    made_ms = min(dead.timestamp_ms, dead.record.timestamp_ms)
    with suppress(ValueError):
        made_ms = made_ms if (at := created_at(UUID(old))) is None else int(at.timestamp() * 1000)
    return derived_id(made_ms, f"retry of {old}")


def requeue(dead: DeadLetter, *, request_id: UUID, new_id: UUID | None = None) -> Outgoing:
    """The original record, for its own topic again: same key, so same partition; same headers, trace included.

    `request_id` names the operator's request. With `new_id` the record goes as a new command of that `ce_id`, its old
    one kept in `ce_retryof`. One whose command was claimed goes so by itself, under its `retry_id`: its own id has its
    one result, which would only be told again. Any other keeps its id.

    Raises:
        NotRequeuable: it is masked or cut, and so not what was published.
    """
    name = f"dead letter {dead.place}"
    if dead.masked:
        raise NotRequeuable(f"{name} held a card number and was masked: publish the command anew, with a token instead")
    if dead.cut_from is not None:
        raise NotRequeuable(f"{name} was cut from {dead.cut_from} bytes: publish the command anew from its source")
    kept = [pair for pair in dead.headers if ascii_fold(pair[0]) not in {REQUEUED, REQUEST, REQUEUED_FROM}]
    if new_id is None and dead.claimed:
        new_id = retry_id(dead)
    if new_id is not None:
        old = header(kept, "ce_id")
        kept = [pair for pair in kept if ascii_fold(pair[0]) not in {"ce_id", RETRY_OF}]
        kept.append(("ce_id", str(new_id).encode()))
        if old is not None:
            kept.append((RETRY_OF, old))
    count = _count(dead.record.headers) + 1
    kept += [
        (REQUEUED, str(count).encode()),
        (REQUEST, str(request_id).encode()),
        (REQUEUED_FROM, dead.place.encode()),
    ]
    return Outgoing(dead.topic, dead.record.key, dead.record.value, tuple(kept))


def _count(headers: Sequence[tuple[str, bytes | None]]) -> int:
    text = (header(headers, REQUEUED) or b"").decode("utf-8", "replace")
    return int(text) if text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004 - no record is sent a billion times


def card_number_in_record(key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> str | None:
    """Where a card number stands in a record that may be unreadable: a dotted path, `value`, `key`, a header's name."""
    if _holds_bytes(value):
        return card_number_in(key, _parsed(value), headers) or "value"
    return card_number_in(key, _parsed(value), headers)


def without_card_numbers(
    key: bytes | None, value: bytes | None, headers: Sequence[Header]
) -> tuple[bytes | None, bytes | None, tuple[Header, ...]] | None:
    """A record's parts with its card numbers masked; `None` when it holds none."""
    if card_number_in_record(key, value, headers) is None:
        return None
    shown = tuple((mask_card_numbers(name), _mask(content) or b"") for name, content in headers)
    return _mask(key), _mask_value(value), shown


def _holds_bytes(part: bytes | None) -> bool:
    return part is not None and holds_card_number(part.decode("utf-8", "surrogateescape"))


def _mask(part: bytes | None) -> bytes | None:
    """Bytes that are no UTF-8 stay as they were."""
    if part is None or not _holds_bytes(part):
        return part
    return mask_card_numbers(part.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _mask_value(value: bytes | None) -> bytes | None:
    masked = _mask(value)
    tree = _parsed(masked)
    if card_number_in(None, tree, ()) is None:
        return masked
    # The digits were written in another way, such as \u0034; only the parsed text shows them.
    try:
        spelled = json.dumps(_mask_tree(tree), ensure_ascii=False)
    except RecursionError:  # nested deeper than Python's stack: then no digit is kept
        return re.sub(rb"[0-9]", b"*", masked or b"")
    return _mask(spelled.encode("utf-8", "backslashreplace"))


def _mask_tree(node: Any) -> Any:
    match node:
        case dict():
            return {mask_card_numbers(str(name)): _mask_tree(child) for name, child in node.items()}
        case list():
            return [_mask_tree(child) for child in node]
        case str():
            return mask_card_numbers(node)
        case int() | float() if is_number_of_card(node):
            return mask_card_numbers(str(int(node)))
        case _:
            return node


def _parsed(value: bytes | None) -> Any:
    try:
        return json.loads(value or b"null")
    except (ValueError, RecursionError):
        return None


def _size(key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> int:
    names = sum(len(name.encode()) + len(content) + _HEADER_COST_BYTES for name, content in headers)
    return len(key or b"") + len(value or b"") + names


def _cut(
    key: bytes | None, value: bytes | None, headers: Sequence[Header]
) -> tuple[bytes | None, bytes | None, tuple[Header, ...]]:
    """What fits: the key first, then the headers in their order, then the value's beginning."""
    key = None if key is None else key[:_ROOM_BYTES]
    kept: list[Header] = []
    for pair in headers:
        if _size(key, None, [*kept, pair]) > _ROOM_BYTES:
            break
        kept.append(pair)
    room = _ROOM_BYTES - _size(key, None, kept)
    return key, None if value is None else value[:room], tuple(kept)


def _shown(text: str, limit: int) -> str:
    shown = mask_card_numbers(text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _text(record: RawRecord, name: str) -> str:
    text = record.text(PREFIX + name)
    if text is None:
        raise UnreadableRecord(
            "missing_header", PREFIX + name, "this record was not written as a dead letter; look at it with `replay`"
        )
    return text


def _number(record: RawRecord, name: str) -> int:
    text = _text(record, name)
    if not text.isdecimal():
        raise UnreadableRecord("invalid_header", PREFIX + name, "must be a whole number")
    return int(text)
