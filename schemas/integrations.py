"""Facts about an integration: its health as checked, its breaker as it changed."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.base import Fact
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


IntegrationEvent = HealthChecked | BreakerChanged
