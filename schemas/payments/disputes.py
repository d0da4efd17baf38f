"""Disputes: a payer asks for the money back by way of the bank or the provider. Read at the provider, never ordered."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Fact, Frozen, Token
from schemas.envelope import UtcTime
from schemas.money import Money

DisputeState = Literal[
    "open", "needs_response", "awaiting_payer", "under_review", "won", "lost", "prevented", "withdrawn", "closed"
]
"""`open`: nobody says whose turn it is. `prevented`: settled before it became one. `withdrawn`: by the payer. `closed`:
over without a word on who was right."""
DisputeStage = Literal["inquiry", "chargeback", "pre_arbitration", "arbitration"]
"""An `inquiry` is a question that no money has left by, and need not become a chargeback."""
DisputeReason = Literal[
    "fraud",
    "unrecognised",
    "not_received",
    "not_as_described",
    "credit_not_processed",
    "duplicate",
    "incorrect_amount",
    "paid_by_other_means",
    "subscription_cancelled",
    "bank_failure",
    "other",
]
DisputeChange = Literal["opened", "changed", "closed"]

OVER: Final[frozenset[DisputeState]] = frozenset({"won", "lost", "prevented", "withdrawn", "closed"})


class DisputeLookUp(Frozen, extra="forbid"):
    """A question about one dispute, by the provider's own id of it."""

    dispute_reference: Token


class Dispute(Frozen):
    """A dispute as its provider told of it when it was asked."""

    reference: Token
    """The provider's own id of it."""
    state: DisputeState
    provider_state: str
    """The provider's own word, or words, for it."""
    stage: DisputeStage | None = None
    amount: Money
    """What is disputed: a part of the payment, all of it, or by the course of exchange more."""
    withdrawn: Money
    """What has been taken from the account for it and not been given back, fees apart; nothing where none has."""
    reason: DisputeReason = "other"
    provider_reason: str | None = None
    """The provider's own word for it, or the card network's code."""
    opened_at: UtcTime | None = None
    respond_by: UtcTime | None = None
    """Until when an answer counts, where the provider tells."""

    @property
    def is_over(self) -> bool:
        return self.state in OVER


class FoundDispute(Frozen):
    """The answer to a look-up: the dispute, and by which names it says what was paid by."""

    dispute: Dispute
    provider_references: tuple[Token, ...] = ()
    """The provider's own ids of the payment, and of what took its money."""
    our_references: tuple[Token, ...] = ()


class DisputeFact(Fact):
    """What a dispute of a payment has become. Its `ce_id` is made from the command's."""

    payment_id: UUID
    command_id: UUID
    """The internal command by which the provider was asked."""
    caused_by: UUID
    integration_id: str
    provider: str
    sequence: Annotated[int, Field(ge=1)]
    """Counts the facts about disputes of this payment: the higher one is the newer one."""
    observed_at: UtcTime
    dispute: Dispute

    @property
    def key(self) -> str:
        return str(self.payment_id)


class DisputeOpened(DisputeFact):
    """The payer disputes the payment."""

    type: ClassVar[str] = "payments.dispute_opened.v1"


class DisputeChanged(DisputeFact):
    """It goes on: another state, stage, amount or deadline, money taken or given back; or it was opened once more."""

    type: ClassVar[str] = "payments.dispute_changed.v1"


class DisputeClosed(DisputeFact):
    """It is over; a dispute may be heard of only then."""

    type: ClassVar[str] = "payments.dispute_closed.v1"


DISPUTE_FACTS: Final[dict[DisputeChange, type[DisputeOpened | DisputeChanged | DisputeClosed]]] = {
    "opened": DisputeOpened,
    "changed": DisputeChanged,
    "closed": DisputeClosed,
}


def change_of(known: Iterable[Dispute], found: Dispute) -> DisputeChange | None:
    """What is new in a dispute by what is known of the payment's disputes; `None` where nothing is."""
    before = next((dispute for dispute in known if dispute.reference == found.reference), None)
    if before == found:
        return None
    if found.is_over and (before is None or not before.is_over):
        return "closed"
    return "opened" if before is None else "changed"


def with_dispute(known: Iterable[Dispute], found: Dispute) -> tuple[Dispute, ...]:
    """The payment's disputes once this one stands so, in the order in which they were heard of."""
    listed = {dispute.reference: dispute for dispute in known}
    return tuple((listed | {found.reference: found}).values())


def withdrawn_minor(known: Iterable[Dispute], currency: str | None) -> int:
    """What disputes have taken of a payment, in minor units of its currency. Other currencies are not counted."""
    return sum(dispute.withdrawn.minor for dispute in known if dispute.withdrawn.currency == currency)


def takes_another_currency(known: Iterable[Dispute], currency: str | None) -> bool:
    """Whether money was taken that cannot be compared with the payment's own."""
    return any(dispute.withdrawn.minor > 0 and dispute.withdrawn.currency != currency for dispute in known)
