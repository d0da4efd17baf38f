"""What an event becomes on its way out, and who wants it. Pure."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from schemas.envelope import Envelope, rfc3339
from schemas.errors import UnreadableRecord
from streams.records import RawRecord

TEST_TYPE: Final = "endpoints.test.v1"
_ALL: Final = ".*"


@dataclass(frozen=True, slots=True)
class Message:
    """One event for one endpoint.

    Attributes:
        id: the same for this event and endpoint, however often it is sent.
        body: exactly what is sent and signed.
    """

    id: str
    type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an endpoint's owner asked for.

    Attributes:
        event_types: exact names, or a beginning and `.*`.
        integrations: of which an event must be one's; `None`: any event.
    """

    event_types: Collection[str]
    integrations: Collection[str] | None = None

    def of_type(self, event_type: str) -> bool:
        return any(matches(pattern, event_type) for pattern in self.event_types)


def matches(pattern: str, event_type: str) -> bool:
    """Whether a type is meant by a name or by a beginning such as `payments.*`."""
    if pattern.endswith(_ALL):
        return event_type.startswith(pattern.removesuffix("*"))
    return event_type == pattern


def message_for(endpoint_id: UUID, wanted: Wanted, record: RawRecord) -> Message | None:
    """The message that this record becomes for this endpoint; `None` where it wants none, or it is no event."""
    event_type = record.text("ce_type")
    if event_type is None or not wanted.of_type(event_type):
        return None
    try:
        envelope = Envelope.read(record.readable_headers)
        facts = json.loads(record.value or b"")
    except (UnreadableRecord, ValueError, RecursionError):
        return None
    if not isinstance(facts, dict):
        return None
    if wanted.integrations is not None and _integration(facts) not in wanted.integrations:
        return None
    told = {
        "type": envelope.type,
        "timestamp": rfc3339(envelope.time or datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)),
        "id": str(envelope.id),
        "source": envelope.source,
        "key": (record.key or b"").decode("utf-8", "replace"),
    }
    # The facts as they lie in the log: read and written again, a number might become another one.
    body = json.dumps(told, ensure_ascii=False).encode()[:-1] + b', "data": ' + (record.value or b"") + b"}"
    return Message(_id(endpoint_id, f"{envelope.source}\n{envelope.id}"), envelope.type, body)


def trial_message(endpoint_id: UUID, message_id: str, asked_at: str) -> Message:
    """What an owner sends to see whether an endpoint is well."""
    told = {"type": TEST_TYPE, "timestamp": asked_at, "data": {"endpoint_id": str(endpoint_id)}}
    return Message(message_id, TEST_TYPE, json.dumps(told).encode())


def _id(endpoint_id: UUID, event: str) -> str:
    return f"evt_{uuid5(endpoint_id, event).hex}"


def _integration(facts: Mapping[str, Any]) -> str | None:
    """Whose account the event is about."""
    performed = facts.get("performed")
    found = performed.get("integration_id") if isinstance(performed, dict) else facts.get("integration_id")
    return found if isinstance(found, str) else None
