"""Facts about integrations (health, breakers, rate limits), about processes, and what operators did by hand."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Fact, Text
from schemas.credential_events import CredentialEvent
from schemas.envelope import UtcTime


class HealthChecked(Fact):
    """One periodic check: a harmless authenticated call."""

    type: ClassVar[str] = "integrations.health_checked.v1"

    integration_id: str
    provider: str
    status: Literal["healthy", "degraded", "unhealthy"]
    response_time_ms: Annotated[int, Field(ge=0)] | None = None
    error: str | None = None
    checked_at: UtcTime


class BreakerChanged(Fact):
    """A circuit breaker of one process changed its state. Breakers are per process; `process` tells them apart."""

    type: ClassVar[str] = "integrations.breaker_changed.v1"

    integration_id: str
    provider: str
    operation_class: str
    process: str
    before: Literal["closed", "open", "half_open"]
    state: Literal["closed", "open", "half_open"]
    changed_at: UtcTime


class RateLimitReported(Fact):
    """How far one process has used one operation's rate limit. Told when something changed, every few seconds at most.

    The latest one of a process counts. The counts of several processes add up, also where they share one window.
    """

    type: ClassVar[str] = "integrations.rate_limit_reported.v1"

    integration_id: str
    provider: str
    operation: str
    process: str
    limit_calls: Annotated[int, Field(ge=0)] | None = None
    """Calls in the window for all processes together; absent where neither documents nor answers name a limit."""
    window_ms: Annotated[int, Field(ge=1)] | None = None
    allowed: Annotated[int, Field(ge=0)] | None = None
    """What this process may use: the whole limit while the window is shared, else its share."""
    used: Annotated[int, Field(ge=0)]
    """Calls that this process started in the present window."""
    throttled: Annotated[int, Field(ge=0)]
    """Calls put off by the hub since the process began, for the limit."""
    turned_away: Annotated[int, Field(ge=0)]
    """Calls that the provider refused for its limit, since the process began."""
    shared: bool
    """Whether all processes count in one window, through Redis."""
    closed_until: UtcTime | None = None
    """The provider wants no call before."""
    resets_at: UtcTime | None = None
    """When nothing of the window is used any more, if no further call starts."""
    reported_at: UtcTime


class LagAlarm(Fact):
    """Records of a topic have waited for half the time that it keeps them: retention will delete them unread.

    Told when a partition passes the bound, by the process that it is given to.
    """

    type: ClassVar[str] = "integrations.lag_alarm.v1"

    group: str
    topic: str
    partition: Annotated[int, Field(ge=0)]
    process: str
    records: Annotated[int, Field(ge=0)]
    age_ms: Annotated[int, Field(ge=0)]
    bound_ms: Annotated[int, Field(ge=0)]
    seen_at: UtcTime


class IntegrationStopped(Fact):
    """An operator stopped it: nothing is sent to it from then on, and its commands wait."""

    type: ClassVar[str] = "integrations.stopped.v1"

    integration_id: str
    stopped_by: Text
    why: Text
    stopped_at: UtcTime


class IntegrationStarted(Fact):
    """An operator lets it go on."""

    type: ClassVar[str] = "integrations.started.v1"

    integration_id: str
    started_by: Text
    stopped_by: Text
    stopped_at: UtcTime
    started_at: UtcTime


class CommandWithdrawn(Fact):
    """An operator withdrew a command that waited. If certainly nothing was sent it ends as refused, `withdrawn`."""

    type: ClassVar[str] = "integrations.command_withdrawn.v1"

    command_id: UUID
    key: str
    """The ledger's key, such as `payments/<payment_id>`."""
    integration_id: str | None = None
    withdrawn_by: Text
    why: Text
    withdrawn_at: UtcTime


Intervention = IntegrationStopped | IntegrationStarted | CommandWithdrawn | CredentialEvent
"""What operators do by hand."""
Observation = HealthChecked | BreakerChanged | RateLimitReported | LagAlarm
"""What processes see."""
