"""What is asked and answered about endpoints."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from agents.deliveries.message import matches
from schemas.base import IntegrationId, NoNul
from schemas.payments.vocabulary import EVENTS

EVENT_TYPES: tuple[str, ...] = tuple(model.type for model in EVENTS)


def _known(pattern: str) -> str:
    if not any(matches(pattern, event_type) for event_type in EVENT_TYPES):
        raise ValueError(f"must be an event's type, or payments.* for all; types are {', '.join(EVENT_TYPES)}")
    return pattern


EventPattern = Annotated[
    str, StringConstraints(max_length=100, pattern=r"^[a-z_]+(\.[a-z0-9_]+)*(\.\*)?$"), AfterValidator(_known)
]
EventPatterns = Annotated[list[EventPattern], Field(min_length=1, max_length=50)]
Integrations = Annotated[list[IntegrationId], Field(min_length=1, max_length=100)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Description = Annotated[str, StringConstraints(max_length=200), NoNul]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewEndpoint(_Asked):
    """Where events shall go, and which."""

    url: Url
    event_types: EventPatterns
    integrations: Integrations | None = None
    """Only events about these; by default all that the caller may see."""
    description: Description | None = None


class EndpointChange(_Asked):
    """What is absent stays as it is."""

    url: Url | None = None
    event_types: EventPatterns | None = None
    integrations: Integrations | None = None
    description: Description | None = None
    status: Literal["active", "paused"] | None = None


class Rotation(_Asked):
    overlap_s: Annotated[int, Field(ge=0, le=30 * 24 * 3600)] = 24 * 3600
    """How long messages are signed with the earlier secrets too."""


class Replay(_Asked):
    model_config = ConfigDict(populate_by_name=True)

    since: Annotated[AwareDatetime, Field(alias="from")]
    """The moment that deliveries begin anew with, before or after where they stand."""


class Failing(BaseModel):
    """Deliveries fail now."""

    failures: int
    since: datetime
    retry_at: datetime


class Endpoint(BaseModel):
    id: UUID
    url: str
    event_types: list[str]
    integrations: list[str] | None
    description: str | None
    status: Literal["active", "paused", "disabled"]
    status_since: datetime
    disabled_why: str | None
    failing: Failing | None = None
    created_at: datetime

    @classmethod
    def of(cls, row: Any, standing: Any = None) -> Self:
        """From its row, and that of its failing lanes where there are some."""
        failing = None
        if standing is not None:
            failing = Failing(
                failures=standing["failures"], since=standing["failing_since"], retry_at=standing["retry_at"]
            )
        return cls(
            id=row["endpoint_id"],
            url=row["url"],
            event_types=row["event_types"],
            integrations=row["integrations"],
            description=row["description"],
            status=row["status"],
            status_since=row["status_since"],
            disabled_why=row["status_why"],
            failing=failing,
            created_at=row["created_at"],
        )


class EndpointMade(Endpoint):
    secret: str
    """Shown this once."""


class EndpointList(BaseModel):
    endpoints: list[Endpoint]


class Secret(BaseModel):
    secret: str
    """Shown this once."""
    earlier_end_at: datetime


class TrialAsked(BaseModel):
    message_id: str
    """Of the test; its attempt is among the endpoint's deliveries soon."""


class Delivered(BaseModel):
    """One attempt."""

    message_id: str
    event_type: str
    attempted_at: datetime
    outcome: str
    status: int | None
    elapsed_ms: int


class DeliveryList(BaseModel):
    deliveries: list[Delivered]
