"""What happened to endpoints of outgoing webhooks. Keyed by the endpoint's id."""

from typing import ClassVar, Literal
from uuid import UUID

from schemas.base import Fact, Text
from schemas.envelope import UtcTime


class EndpointDisabled(Fact):
    """An endpoint gets no more events before its owner enables it. Its `ce_id` is made from it and `disabled_at`."""

    type: ClassVar[str] = "endpoints.disabled.v1"

    endpoint_id: UUID
    owner: str
    """The caller that made it."""
    host: str
    """Of its URL, whose path may be secret."""
    why: Literal["gone", "failing"]
    """It answered 410 Gone, or every attempt failed for too long."""
    detail: Text
    failures: int
    """In a row."""
    disabled_at: UtcTime


ENDPOINT_EVENTS: tuple[type[EndpointDisabled], ...] = (EndpointDisabled,)
