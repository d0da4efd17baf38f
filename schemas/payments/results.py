"""Results: exactly one for each command, on the events topic, keyed like the command.

`verdict` says how it ended: the accepted types below carry what was done; `refused`, `pending` and `unknown`
serve all operations. The record's `ce_id` is `uuid5(command_id, "result")`.
"""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Fact, Frozen, Token
from schemas.envelope import UtcTime
from schemas.money import Money
from schemas.payments.actions import NextAction
from schemas.payments.card_summary import CardSummary
from schemas.payments.disputes import Dispute, DisputeChange
from schemas.payments.kept_card import KeptCard
from schemas.payments.notices import ProviderState
from schemas.payments.open_outcomes import Person, ResolutionProposal
from schemas.payments.reasons import Reason
from schemas.personal import SealedPerson
from schemas.routing import Routed
from schemas.verdicts import FailureClass


class Performed(Frozen):
    """Who performed it, and under which names it is known there."""

    integration_id: str
    provider: str
    provider_reference: str | None = None
    """The provider's own id of the payment."""
    our_reference: str | None = None
    """The reference that we sent with the deciding attempt."""


class CommandResult(Fact):
    """What every result says."""

    payment_id: UUID
    command_id: UUID
    command_type: str
    concluded_at: UtcTime
    performed: Performed | None = None
    attempts: Annotated[int, Field(ge=0)] = 0
    """How many times something was sent to a provider for it (queries apart)."""
    routing: Routed | None = None
    """How the integration was chosen, where the command named none."""

    @property
    def key(self) -> str:
        return str(self.payment_id)


class LineReference(Frozen):
    """A basket line as the provider knows it; refunds of one line name it."""

    line_id: str
    provider_reference: str
    paid: Money


class PaymentCreated(CommandResult):
    """The payment was taken (`captured`) or is held (`authorized`)."""

    type: ClassVar[str] = "payments.created.v1"

    verdict: Literal["accepted"] = "accepted"
    order_id: Token
    state: Literal["captured", "authorized"]
    price: Money
    paid_price: Money
    instalments: int
    method: str
    card: CardSummary | None = None
    lines: tuple[LineReference, ...] = ()
    provider_fee: Money | None = None
    held_until: UtcTime | None = None
    """Of a hold: when it lapses, where the provider tells."""
    stored_card: KeptCard | None = None
    """The card that the provider keeps from now on, where that was asked for."""
    payer: SealedPerson | None = None
    """Who paid, as the command told."""


class PaymentCaptured(CommandResult):
    """Held money was taken. `captured_total` counts all captures of the payment."""

    type: ClassVar[str] = "payments.captured.v1"

    verdict: Literal["accepted"] = "accepted"
    amount: Money
    captured_total: Money
    lines: tuple[LineReference, ...] = ()


class PaymentReauthorized(CommandResult):
    """A hold was renewed. `amount` is what is held, as before; the provider's name of the hold may be a new one."""

    type: ClassVar[str] = "payments.reauthorized.v1"

    verdict: Literal["accepted"] = "accepted"
    amount: Money
    held_until: UtcTime | None = None
    """When it lapses now, where the provider tells."""
    lines: tuple[LineReference, ...] = ()


class PaymentCancelled(CommandResult):
    """The hold was lifted (`released`), or what was taken was given back (`reversed`)."""

    type: ClassVar[str] = "payments.cancelled.v1"

    verdict: Literal["accepted"] = "accepted"
    effect: Literal["released", "reversed"]
    amount: Money


class PaymentRefunded(CommandResult):
    """Money was given back. `refunded_total` counts all refunds of the payment, reversals by a cancel apart."""

    type: ClassVar[str] = "payments.refunded.v1"

    verdict: Literal["accepted"] = "accepted"
    amount: Money
    refunded_total: Money
    line_id: Token | None = None


class Found(CommandResult):
    """What was found at the provider, and what it made of the payment here: see `transitions.py`."""

    verdict: Literal["accepted"] = "accepted"
    paid_price: Money | None = None
    instalment_surcharge: Money | None = None
    """How much of `paid_price` the payer took on for instalments on the provider's page, beyond what was asked for."""
    lines: tuple[LineReference, ...] = ()
    card: CardSummary | None = None
    stored_card: KeptCard | None = None
    """The card that the provider keeps from now on, where that was asked for."""
    provider_fee: Money | None = None
    held_until: UtcTime | None = None
    """Of a hold: when it lapses, where the provider tells."""
    payer_agreed: bool = False
    """The provider waits for a completion alone: the payer has agreed, and no money has moved."""
    changed: Literal["captured", "authorized", "failed", "cancelled"] | None = None
    """What became of the payment by it; absent where the payment stays as it was."""
    amount: Money | None = None
    """What was booked as taken, held or lifted."""
    settles: bool = False
    """It was the word on the payment's creation, whose outcome was open."""
    contradicts: bool = False
    """It is not what had been concluded: a person has to look. `detail` says what differs."""
    detail: str | None = None


class PaymentQueried(Found):
    """How the payment stands at the provider."""

    type: ClassVar[str] = "payments.queried.v1"

    provider_state: ProviderState


class PaymentNoticed(Found):
    """Somebody told of a change, and the provider was asked. What was told is kept beside what the provider says."""

    type: ClassVar[str] = "payments.noticed.v1"

    cause: Literal["webhook", "return", "deadline"]
    event_id: Token | None = None
    said: ProviderState | None = None
    provider_state: ProviderState | None = None
    """Absent where the provider was not asked, since nothing could have changed."""
    customer_key: Token | None = None
    """The buyer's key at the provider, as it was heard: list the cards that it keeps under it before one is used."""
    abandoned: bool = False
    """The payer's time was over, and the provider knew of no payment: the hub gave it up, and `changed` is `failed`."""
    dispute: Dispute | None = None
    """As it was found, where a dispute was asked about and nothing else."""
    dispute_change: DisputeChange | None = None
    """What is new in it, told as a fact of its own; absent where nothing is."""
    dispute_sequence: Annotated[int, Field(ge=1)] | None = None
    """Of that fact."""


class ThreeDSecureCompleted(Found):
    """The payer's bank let the payment through, and it was taken or is held: the word on its start."""

    type: ClassVar[str] = "payments.three_d_secure_completed.v1"

    provider_state: ProviderState


class LineApproved(CommandResult):
    """The sub-merchant of a line may have its share; with `withdrawn`, may not any more."""

    type: ClassVar[str] = "payments.line_approved.v1"

    verdict: Literal["accepted"] = "accepted"
    line_id: Token
    withdrawn: bool = False


class ShareTransferred(CommandResult):
    """A part of a payment goes to a sub-merchant's bank account. `transfer_reference` is what we called it there."""

    type: ClassVar[str] = "payments.share_transferred.v1"

    verdict: Literal["accepted"] = "accepted"
    amount: Money
    transfer_reference: Token | None = None


class OutcomeResolved(CommandResult):
    """A person said what became of a command that had ended as `unknown`; `performed` is who was to perform that one.

    Its first result stays as it is: this is what holds of the payment from now on.
    """

    type: ClassVar[str] = "payments.outcome_resolved.v1"

    verdict: Literal["accepted"] = "accepted"
    of_command_id: UUID
    of_command_type: str
    outcome: Literal["accepted", "refused"]
    """Whether the provider performed it."""
    effect: Literal["authorized", "captured", "released", "reversed", "refunded", "transferred"] | None = None
    """What it did; absent when it did nothing."""
    amount: Money | None = None
    """What was moved, or would have been."""
    order_id: Token | None = None
    line_id: Token | None = None
    evidence: str
    by: Person
    approved_by: Person | None = None
    """The second person, where one was needed."""


class CommandRefused(CommandResult):
    """It was certainly not performed."""

    type: ClassVar[str] = "payments.refused.v1"

    verdict: Literal["refused"] = "refused"
    reason: Reason
    failure: FailureClass
    detail: str
    """A sentence for people that says what to do."""
    requested: Money | None = None
    provider_code: str | None = None
    provider_group: str | None = None
    payer: SealedPerson | None = None
    """Of a creation: who was to pay, as the command told."""


class CommandPending(CommandResult):
    """The provider took it and has not decided; further events of the payment will tell."""

    type: ClassVar[str] = "payments.pending.v1"

    verdict: Literal["pending"] = "pending"
    reason: Reason
    requested: Money | None = None
    redirect_url: str | None = None
    next_action: NextAction | None = None
    """What the payer has to do next; `redirect_url` says it too where it is a redirect."""
    deadline: UtcTime | None = None
    """Of a creation that waits for its payer: when the hub asks the provider, and gives the payment up unless it was
    made."""
    provider_code: str | None = None
    order_id: Token | None = None
    capture: Literal["auto", "manual"] | None = None
    line_id: Token | None = None
    proposal: ResolutionProposal | None = None
    """With reason `second_person_needed`: what somebody else has to agree to."""
    payer: SealedPerson | None = None
    """Of a creation: who was to pay, as the command told."""


class CommandUnknown(CommandResult):
    """It was sent, and nobody can say whether it was performed. Everything known stands here; nothing is guessed."""

    type: ClassVar[str] = "payments.unknown.v1"

    verdict: Literal["unknown"] = "unknown"
    reason: Reason
    detail: str
    requested: Money | None = None
    references: tuple[str, ...] = ()
    """Every reference that we sent for it, for whoever asks the provider."""
    first_sent_at: UtcTime | None = None
    provider_code: str | None = None
    order_id: Token | None = None
    capture: Literal["auto", "manual"] | None = None
    line_id: Token | None = None
    payer: SealedPerson | None = None
    """Of a creation: who was to pay, as the command told."""


Result = (
    PaymentCreated
    | PaymentCaptured
    | PaymentReauthorized
    | PaymentCancelled
    | PaymentRefunded
    | PaymentQueried
    | PaymentNoticed
    | ThreeDSecureCompleted
    | LineApproved
    | ShareTransferred
    | OutcomeResolved
    | CommandRefused
    | CommandPending
    | CommandUnknown
)
