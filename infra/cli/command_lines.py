"""Reads a file of commands: CloudEvents as JSON, one a line, each checked as a worker would check it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from infra.cli.record_json import bytes_of
from schemas.card_numbers import mask_card_numbers
from schemas.envelope import Header, rfc3339
from schemas.errors import UnreadableRecord
from schemas.payments.vocabulary import COMMANDS
from streams.codec import Outgoing, decode
from streams.dead_letters import card_number_in_record

MODELS: Final = {model.type: model for model in COMMANDS}
_ATTRIBUTES: Final = ("specversion", "id", "type", "source", "subject", "time")
_MEMBERS: Final = frozenset({*_ATTRIBUTES, "data", "datacontenttype", "traceparent"})


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be published: where, which field, and what to do."""

    line: int
    field: str
    detail: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.field}: {self.detail}" if self.field else f"line {self.line}: {self.detail}"


def read_lines(lines: Iterable[bytes], topic: str, *, raw: bool) -> Iterator[Outgoing | BadLine]:
    """Each line's record, or what is wrong with it; empty lines are passed over. `raw` allows unchecked records."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _record(line, topic, raw=raw)
            except UnreadableRecord as bad:
                yield BadLine(number, bad.field, bad.detail)


def _record(line: bytes, topic: str, *, raw: bool) -> Outgoing:
    event = _object(line)
    if "raw" in event:
        if not raw:
            raise UnreadableRecord("raw", "raw", "this line goes out unchecked; allow such lines with --raw")
        return _unchecked(event, topic)
    unknown = sorted(set(event) - _MEMBERS)
    if unknown:
        raise UnreadableRecord(
            "unknown", mask_card_numbers(unknown[0]), f"no such member; a line has {', '.join(sorted(_MEMBERS))}"
        )
    data = event.get("data")
    if not isinstance(data, dict):
        raise UnreadableRecord("missing", "data", "must be an object: the command's body")
    value = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    model = MODELS.get(str(event.get("type")))
    keyed_by = "payment_id" if model is None else model.keyed_by
    key = str(data.get(keyed_by, "")).encode("utf-8", "surrogatepass")
    headers = _headers(event)
    try:
        decode(MODELS, key, value, headers)
    except UnreadableRecord as bad:
        raise UnreadableRecord(bad.reason, _member(bad), bad.detail) from None
    return Outgoing(topic, key, value, headers)


def _object(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line.decode())
    except UnicodeDecodeError:
        raise UnreadableRecord("not_json", "", "is not UTF-8; save the file as UTF-8") from None
    except json.JSONDecodeError as bad:
        raise UnreadableRecord("not_json", "", f"is not JSON: {bad.msg} at column {bad.colno}") from None
    except (RecursionError, ValueError):
        raise UnreadableRecord("not_json", "", "is JSON that cannot be read: too deep, or a number too long") from None
    if not isinstance(event, dict):
        raise UnreadableRecord("not_json", "", "must be a JSON object: one CloudEvent")
    return event


def _headers(event: Mapping[str, Any]) -> tuple[Header, ...]:
    for name in ("id", "type", "source"):
        if name not in event:
            raise UnreadableRecord("missing", name, "is missing; every command has an id, a type and a source")
    if event.get("datacontenttype", "application/json") != "application/json":
        raise UnreadableRecord("invalid", "datacontenttype", "must be application/json")
    told = {"specversion": "1.0", "time": rfc3339(datetime.now(UTC)), **event}
    headers = [(f"ce_{name}", _text(told, name)) for name in _ATTRIBUTES if told.get(name) is not None]
    headers.append(("content-type", b"application/json"))
    if event.get("traceparent") is not None:
        headers.append(("traceparent", _text(event, "traceparent")))
    return tuple(headers)


def _text(event: Mapping[str, Any], name: str) -> bytes:
    if not isinstance(event[name], str):
        raise UnreadableRecord("invalid", name, "must be text")
    try:
        text: bytes = event[name].encode()
    except UnicodeEncodeError:
        raise UnreadableRecord("invalid", name, "holds half a character (a lone surrogate)") from None
    return text


def _unchecked(event: Mapping[str, Any], topic: str) -> Outgoing:
    field = "raw"
    try:
        value = bytes_of(event["raw"])
        field = "key"
        key = bytes_of(event.get("key"))
        field = "headers"
        listed = event.get("headers", {})
        pairs = list(listed.items()) if isinstance(listed, dict) else [(str(name), text) for name, text in listed]
        headers = tuple((name, bytes_of(text) or b"") for name, text in pairs)
    except (TypeError, ValueError) as bad:
        raise UnreadableRecord("invalid", field, str(bad)) from None
    if (spot := card_number_in_record(key, value, headers)) is not None:
        raise UnreadableRecord("card_number", spot, "card numbers never travel on Kafka, however the line is sent")
    return Outgoing(topic, key, value, headers)


def _member(bad: UnreadableRecord) -> str:
    """The name in the line of what a worker calls by the record's: headers are attributes, fields stand in `data`."""
    if bad.field.startswith("ce_"):
        return bad.field.removeprefix("ce_")
    if bad.field in {"", "key", "traceparent", "content-type"}:
        return "data" if bad.field == "" else bad.field
    return f"data.{bad.field}"
