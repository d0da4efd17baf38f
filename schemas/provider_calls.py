"""One exchange with a provider, scrubbed of secrets, card numbers and personal data."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Fact
from schemas.envelope import UtcTime


class ProviderCalled(Fact):
    """What was sent and what came back. `outcome` is the class metrics count by."""

    type: ClassVar[str] = "provider.called.v1"

    command_id: UUID | None = None
    integration_id: str
    provider: str
    operation: str
    attempt: Annotated[int, Field(ge=0)]
    """Number of the attempt; 0 for calls that move nothing, such as queries and health checks."""
    method: str
    url_template: str
    status_code: int | None = None
    outcome: Literal[
        "accepted",
        "refused",
        "pending",
        "unknown",
        "not_sent",
        "throttled",
        "found",
        "not_found",
        "healthy",
        "unhealthy",
    ]
    provider_code: str | None = None
    duration_us: Annotated[int, Field(ge=0)]
    """From the first byte of the request to the last of the answer, in microseconds."""
    started_at: UtcTime
    request: str
    """The request's body after scrubbing, cut at 4,000 characters."""
    response: str
    error: str | None = None
