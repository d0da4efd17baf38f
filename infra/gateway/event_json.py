"""An event as HTTP tells it: the CloudEvent of a record in JSON, its body letter by letter as it lies on Kafka."""

import json
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from schemas.envelope import REPUBLISHED
from schemas.payments.vocabulary import EVENTS
from streams.records import RawRecord, ascii_fold

_PREFIX: Final = "ce_"


class CloudEvent(BaseModel):
    """An event of the hub, as it lies on Kafka. Its `type` says what `data` holds; further attributes may join."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "x-kolaj-data": {model.type: {"$ref": f"#/components/schemas/{model.__name__}"} for model in EVENTS}
        },
    )

    specversion: str
    id: str = Field(description="The same for every copy of an event; drop what you have seen.")
    type: str = Field(description="Which schema `data` has, see `x-kolaj-data`. Pass over types that you do not know.")
    source: str
    subject: str | None = None
    time: str | None = Field(default=None, description="RFC 3339, UTC")
    datacontenttype: str
    traceparent: str | None = Field(default=None, description="W3C Trace Context")
    republished: bool | None = Field(default=None, description="There when this record is a further copy.")
    data: dict[str, Any]


def as_event(record: RawRecord) -> str | None:
    """The event as JSON text on one line; `None` for a record that is no event: somebody else must have written it."""
    body = body_of(record)
    if body is None or record.value is None:
        return None
    attributes: dict[str, Any] = {}
    for name, value in record.headers:
        if ascii_fold(name).startswith(_PREFIX):
            attributes[ascii_fold(name).removeprefix(_PREFIX)] = (value or b"").decode("utf-8", "replace")
    if not {"specversion", "id", "type", "source"} <= attributes.keys():
        return None
    traceparent = record.text("traceparent")
    if traceparent is not None:
        attributes["traceparent"] = traceparent
    if record.header(REPUBLISHED) is not None:
        attributes["republished"] = True
    attributes["datacontenttype"] = "application/json"
    head = json.dumps(attributes, ensure_ascii=False, separators=(",", ":"))
    # The body is not written anew: numbers stay as they are spelled. Line breaks can only stand between its tokens.
    data = record.value.decode().replace("\r", " ").replace("\n", " ")
    return f'{head[:-1]},"data":{data}}}'


def body_of(record: RawRecord) -> dict[str, Any] | None:
    """The event's facts, to look at; `None` when they are no JSON object."""
    try:
        body = json.loads(record.value or b"")
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def integration_of(body: dict[str, Any]) -> str | None:
    """Which integration an event of a payment belongs to, where it says so."""
    performed = body.get("performed")
    found = performed.get("integration_id") if isinstance(performed, dict) else None
    return found if isinstance(found, str) else None
