"""What a provider's answer means to the hub."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.base import Frozen
from schemas.money import Money
from schemas.payments import CardSummary, KeptCard, LineReference, NextAction, Reason
from schemas.verdicts import FailureClass, Verdict


class ProviderState(StrEnum):
    """How a payment stands at the provider, as an answer to `QueryPayment`."""

    CAPTURED = "captured"
    AUTHORIZED = "authorized"
    PENDING = "pending"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A provider's verdict on one operation, read from its answer.

    Attributes:
        amount: what the provider says it moved; it is compared with what was asked.
        surcharge: how much of `amount` the payer pays beyond what was asked, since the provider's page offered
            instalments for it.
        reason: of a question's pending answer `UNDER_REVIEW` says that the payer has done everything, and that the
            provider, or a bank, decides; such a payment is not given up when the payer's time is over.
        failure: set with `refused` and `unknown`; `THROTTLED` and `TRANSIENT` mean that nothing was performed and a
            later try may succeed.
        detail: a sentence of ours for people, never the provider's localised message.
        next_action: with `pending`, what the payer has to do next.
        stored_card: the card that the provider keeps from now on.
        details: of a command about a resource that was accepted: an object of the class that its accepted result
            declares (`schemas.payments.resources.ACCEPTED`).
        held_until: of a hold: when it lapses, UTC, where the provider tells.
        payer_agreed: the payment waits for a completion alone: its payer has done everything, and nothing moved.
        to_be_completed: beside that, the account lets the hub order the completion by itself.
        their_fault: the provider itself is failing, not a bank behind it; circuit breakers count it.
    """

    verdict: Verdict
    reference: str | None = None
    amount: Money | None = None
    surcharge: Money | None = None
    reason: Reason | None = None
    failure: FailureClass | None = None
    detail: str = ""
    their_code: str | None = None
    their_group: str | None = None
    lines: tuple[LineReference, ...] = ()
    card: CardSummary | None = None
    fee: Money | None = None
    redirect_url: str | None = None
    next_action: NextAction | None = None
    stored_card: KeptCard | None = None
    details: Frozen | None = None
    state: ProviderState | None = None
    held_until: datetime | None = None
    payer_agreed: bool = False
    to_be_completed: bool = False
    their_fault: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A provider's no to a question that moves nothing; it is never kept.

    Attributes:
        failure: `THROTTLED` and `TRANSIENT` mean that a later try may succeed.
        detail: a sentence of ours for people.
    """

    reason: Reason
    failure: FailureClass
    detail: str
    their_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """What came of a question that moves nothing: one of the two."""

    answer: Frozen | None = None
    refusal: Refusal | None = None


class UnusableAnswer(Exception):
    """Raised by a read function: the answer can be parsed and still says nothing about what was asked.

    Attributes:
        detail: a sentence of ours, without a value of the answer.
        their_code: the provider's code, if it gave one.
        failure: `THROTTLED` when the provider asks for a pause and performed nothing; else `UNKNOWN`.
    """

    def __init__(
        self, detail: str, *, their_code: str | None = None, failure: FailureClass = FailureClass.UNKNOWN
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.their_code = their_code
        self.failure = failure


class Sighting(StrEnum):
    """What an inquiry found of one earlier attempt."""

    CONCLUDED = "concluded"
    """The provider knows the attempt and how it ended: see the outcome."""
    RUNNING = "running"
    """The provider knows the attempt and has not decided: ask again."""
    ABSENT = "absent"
    """The provider does not know it, or not yet: no authority before the operation's absence window is over."""


@dataclass(frozen=True, slots=True)
class Finding:
    sighting: Sighting
    outcome: Outcome | None = None
