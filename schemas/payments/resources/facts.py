"""Facts about a resource that are no command's result; each has an id of its own and says what caused it."""

from typing import ClassVar, Final
from uuid import UUID

from schemas.base import Fact
from schemas.envelope import UtcTime
from schemas.payments.resources.results import RESOURCE_RESULTS, ResourceEnding
from schemas.payments.results import Performed
from schemas.verdicts import Verdict


class ResourceLateOutcome(Fact):
    """A worker learned an outcome after another had taken the command over. It concludes nothing."""

    type: ClassVar[str] = "payments.resource_late_outcome.v1"

    resource_id: UUID
    command_id: UUID
    caused_by: UUID
    verdict: Verdict
    observed_at: UtcTime
    epoch: int
    performed: Performed | None = None
    provider_code: str | None = None


class ResourceResultDivergence(Fact):
    """Two different results were made for one command about a resource: an alarm. The first stands."""

    type: ClassVar[str] = "payments.resource_result_divergence.v1"

    resource_id: UUID
    command_id: UUID
    caused_by: UUID
    observed_at: UtcTime
    kept_digest: str
    other_digest: str


ResourceEvent = ResourceEnding | ResourceLateOutcome | ResourceResultDivergence
RESOURCE_EVENTS: Final[tuple[type[ResourceEvent], ...]] = (
    *RESOURCE_RESULTS,
    ResourceLateOutcome,
    ResourceResultDivergence,
)
