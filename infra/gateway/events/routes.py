"""`GET /v1/events`: events as server-sent events."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import AfterValidator, Field

from infra.gateway.access.caller import Caller, authorized, still_let_in
from infra.gateway.contract import operation
from infra.gateway.events.position import positions_of
from infra.gateway.events.streams import EventStream, EventStreams, Wanted
from infra.gateway.problems import Problem
from schemas.payments.vocabulary import EVENTS
from streams.tail import Start

SCOPE: Final = "events:read"
BEGINNING: Final = "beginning"
_MOMENT: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"

_TYPES: Final = sorted(model.type for model in EVENTS)


def _known(name: str) -> str:
    if name not in _TYPES:
        raise ValueError(f"must be one of {', '.join(_TYPES)}")
    return name


EventType = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": _TYPES})]

router = APIRouter(prefix="/v1", tags=["events"])

Types = Annotated[list[EventType], Query(alias="type", description="Only events of these types; may stand often.")]
Key = Annotated[
    str | None,
    Query(min_length=1, max_length=200, description="Only events under this key: a payment_id or a resource_id."),
]
From = Annotated[
    str | None,
    Query(
        alias="from",
        pattern=f"^({BEGINNING}|{_MOMENT})$",
        description="Where to begin without `Last-Event-ID`: `beginning`, or a moment (RFC 3339). Else: from now on.",
    ),
]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=8000,
        description="The `id` of the last event that was taken, as it was told: the stream goes on right after it.",
    ),
]


async def _opened(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    caller: Annotated[Caller, Depends(authorized(SCOPE))],
    types: Types = [],  # noqa: B006 - FastAPI copies it
    key: Key = None,
    begin: From = None,
    last_event_id: LastEventId = None,
) -> AsyncIterator[EventStream]:
    streams: EventStreams = request.app.state.parts.events
    wanted = Wanted(caller, frozenset(types), key)
    start = _start(streams.topic, begin, last_event_id)
    async with streams.opened(wanted, start, partial(still_let_in, request, SCOPE)) as stream:
        yield stream


def _start(topic: str, begin: str | None, last_event_id: str | None) -> Start:
    """A client that comes back sends both: where it began the first time, and where it stands."""
    if last_event_id:
        try:
            return positions_of(topic, last_event_id)
        except ValueError as bad:
            raise _invalid("Last-Event-ID", f"must be the id of an event of this stream: {bad}") from None
    if begin is None:
        return "end"
    if begin == BEGINNING:
        return "beginning"
    try:
        return datetime.fromisoformat(begin).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _invalid("from", "must be beginning, or a moment such as 2026-11-25T10:00:00Z") from None


def _invalid(field: str, detail: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_field", detail, errors=[(field, detail)])


_STREAM: Final[dict[str, Any]] = {
    "description": "Server-sent events without a name. Each `data` is one JSON object, a `CloudEvent`; its `id` is "
    "what `Last-Event-ID` takes. Lines that begin with a colon keep the connection open. A stream ends after some "
    "minutes, or when the process stops; come back with the last id, as browsers do by themselves. An event that lies "
    "on Kafka twice comes twice: drop a CloudEvent whose own `id` you have seen.",
    "content": {
        "text/event-stream": {
            "schema": {"type": "string", "x-kolaj-data": {"$ref": "#/components/schemas/CloudEvent"}},
        }
    },
}


@router.get(
    "/events",
    response_class=EventSourceResponse,
    operation_id="getEvents",
    summary="Results and later facts of payments and resources, as they come.",
    responses={HTTPStatus.OK: _STREAM},
    openapi_extra=operation(SCOPE),
)
async def tell(stream: Annotated[EventStream, Depends(_opened)]) -> AsyncIterator[ServerSentEvent]:
    """Every event once for each stream, in order for each payment and resource."""
    async for event in stream.told():
        yield event
