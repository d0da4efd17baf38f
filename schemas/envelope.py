"""CloudEvents 1.0 in Kafka's binary mode: the envelope travels in record headers, the value holds the facts.

Source: CloudEvents Kafka protocol binding 1.0.2, section 3.2; the `traceparent` header is W3C Trace Context.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from schemas.base import Frozen
from schemas.errors import UnreadableRecord

Header = tuple[str, bytes]
TYPE_LIMIT: Final = 100
_REMEMBERED: Final = 1_000
REPUBLISHED = "kolaj-republished"
"""Header of a result that is published again after a crash or redelivery; its `ce_id` is that of the first copy."""


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        raise ValueError("must carry an offset, such as 2026-11-25T10:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError as bad:
        raise ValueError("must lie between the years 1 and 9999 in UTC") from bad


UtcTime = Annotated[datetime, AfterValidator(_aware)]
Source = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]


class Envelope(Frozen):
    """Who says what about which thing, and when."""

    id: UUID
    type: Annotated[str, Field(min_length=1, max_length=TYPE_LIMIT)]
    source: Source
    subject: str | None = None
    time: UtcTime | None = None
    specversion: Literal["1.0"] = "1.0"
    traceparent: str | None = None

    def headers(self) -> list[Header]:
        pairs: list[Header] = [
            ("ce_specversion", self.specversion.encode()),
            ("ce_id", str(self.id).encode()),
            ("ce_type", self.type.encode()),
            ("ce_source", self.source.encode()),
            ("content-type", b"application/json"),
        ]
        if self.subject is not None:
            pairs.append(("ce_subject", self.subject.encode()))
        if self.time is not None:
            pairs.append(("ce_time", rfc3339(self.time).encode()))
        if self.traceparent is not None:
            pairs.append(("traceparent", self.traceparent.encode()))
        return pairs

    @classmethod
    def read(cls, headers: Iterable[Header]) -> "Envelope":
        """Read the envelope from record headers.

        Raises:
            UnreadableRecord: a required attribute is missing or malformed; `field` names the header.
        """
        found: dict[str, bytes] = {}
        for name, value in headers:
            if name.startswith("ce_"):
                if name in found:
                    raise UnreadableRecord("invalid_header", name, "stands twice; readers would disagree")
                found[name] = value
            elif name == "traceparent":
                found[name] = value
        return cls(
            id=_uuid(found),
            type=_type(found),
            source=_source(found),
            subject=_text(found, "ce_subject") if "ce_subject" in found else None,
            time=_time(found),
            specversion=_version(found),
            traceparent=found["traceparent"].decode("ascii", "replace") if "traceparent" in found else None,
        )


def rfc3339(moment: datetime) -> str:
    """UTC with microseconds and a `Z`: fixed width, so that text order is time order."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _text(found: dict[str, bytes], name: str) -> str:
    return _checked(name, _value(found, name))


def _value(found: dict[str, bytes], name: str) -> bytes:
    if name not in found:
        raise UnreadableRecord("missing_header", name, "send the CloudEvents 1.0 attributes as record headers")
    return found[name]


def _checked(name: str, value: bytes, limit: int = 200) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError as bad:
        raise UnreadableRecord("invalid_header", name, "must be UTF-8 text") from bad
    if not text or len(text) > limit or "\x00" in text:
        raise UnreadableRecord("invalid_header", name, f"must be 1 to {limit} characters of text")
    return text


def _uuid(found: dict[str, bytes]) -> UUID:
    text = _text(found, "ce_id")
    try:
        return UUID(text)
    except ValueError as bad:
        raise UnreadableRecord("invalid_header", "ce_id", "must be a UUID; version 7 is advised") from bad


def _type(found: dict[str, bytes]) -> str:
    return _checked_type(_value(found, "ce_type"))


def _source(found: dict[str, bytes]) -> str:
    return _checked_source(_value(found, "ce_source"))


# A topic holds few types and sources, each on a great many records: what was checked is remembered.
@lru_cache(_REMEMBERED)
def _checked_type(value: bytes) -> str:
    return _checked("ce_type", value, TYPE_LIMIT)


@lru_cache(_REMEMBERED)
def _checked_source(value: bytes) -> str:
    text = _checked("ce_source", value)
    if not all("!" <= letter <= "~" for letter in text):
        raise UnreadableRecord("invalid_header", "ce_source", "must be a URI reference in printable ASCII")
    return text


def _time(found: dict[str, bytes]) -> datetime | None:
    if "ce_time" not in found:
        return None
    try:
        return _aware(datetime.fromisoformat(_text(found, "ce_time")))
    except ValueError as bad:
        raise UnreadableRecord(
            "invalid_header", "ce_time", "must be RFC 3339 with an offset, such as 2026-11-25T10:00:00Z"
        ) from bad


def _version(found: dict[str, bytes]) -> Literal["1.0"]:
    if found.get("ce_specversion") != b"1.0" and _text(found, "ce_specversion") != "1.0":
        raise UnreadableRecord("invalid_header", "ce_specversion", "must be 1.0")
    return "1.0"
