"""Facts about a payment that are no command's result; each has an id of its own and says what caused it."""

from typing import ClassVar
from uuid import UUID

from schemas.base import Fact
from schemas.envelope import UtcTime
from schemas.money import Money
from schemas.payments.disputes import DisputeChanged, DisputeClosed, DisputeOpened
from schemas.payments.results import (
    CommandPending,
    CommandRefused,
    CommandUnknown,
    LineApproved,
    OutcomeResolved,
    PaymentCancelled,
    PaymentCaptured,
    PaymentCreated,
    PaymentNoticed,
    PaymentQueried,
    PaymentReauthorized,
    PaymentRefunded,
    Performed,
    Result,
    ShareTransferred,
    ThreeDSecureCompleted,
)
from schemas.verdicts import Verdict


class LateOutcome(Fact):
    """A worker learned an outcome after another had taken the command over. It concludes nothing."""

    type: ClassVar[str] = "payments.late_outcome.v1"

    payment_id: UUID
    command_id: UUID
    caused_by: UUID
    verdict: Verdict
    observed_at: UtcTime
    epoch: int
    performed: Performed | None = None
    amount: Money | None = None
    provider_code: str | None = None


class ResultDivergence(Fact):
    """Two different results were made for one command: an alarm. The first stands."""

    type: ClassVar[str] = "payments.result_divergence.v1"

    payment_id: UUID
    command_id: UUID
    caused_by: UUID
    observed_at: UtcTime
    kept_digest: str
    other_digest: str


class CommandRejected(Fact):
    """A record on the command topic could not be taken as a command; it lies in the dead letters.

    Published only where the record's own id could be read. Its `ce_id` is made from the record's coordinates, so that
    it can never pass for that command's result.
    """

    type: ClassVar[str] = "payments.command_rejected.v1"

    command_id: UUID
    caused_by: UUID
    reason: str
    field: str
    detail: str
    topic: str
    partition: int
    offset: int
    observed_at: UtcTime


PaymentFact = LateOutcome | ResultDivergence | CommandRejected | DisputeOpened | DisputeChanged | DisputeClosed
PaymentEvent = Result | PaymentFact
PAYMENT_EVENTS: tuple[type[PaymentEvent], ...] = (
    PaymentCreated,
    PaymentCaptured,
    PaymentReauthorized,
    PaymentCancelled,
    PaymentRefunded,
    PaymentQueried,
    PaymentNoticed,
    ThreeDSecureCompleted,
    LineApproved,
    ShareTransferred,
    OutcomeResolved,
    CommandRefused,
    CommandPending,
    CommandUnknown,
    LateOutcome,
    ResultDivergence,
    CommandRejected,
    DisputeOpened,
    DisputeChanged,
    DisputeClosed,
)
