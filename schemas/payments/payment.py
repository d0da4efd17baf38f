"""A payment as its results tell it: what the ledger keeps for each key, and what decisions are made on."""

from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import Field

from schemas.base import Frozen
from schemas.payments.commands import QueryPayment, ReauthorizePayment, ResolveOutcome
from schemas.payments.creations import CREATIONS, OF_A_CREATION, ends_its_start
from schemas.payments.disputes import Dispute, takes_another_currency, with_dispute, withdrawn_minor
from schemas.payments.marketplace import ApproveLine
from schemas.payments.notices import TakeNotice
from schemas.payments.open_outcomes import OpenCommand, ResolutionProposal
from schemas.payments.results import (
    CommandPending,
    CommandRefused,
    CommandResult,
    CommandUnknown,
    Found,
    LineReference,
    OutcomeResolved,
    PaymentCancelled,
    PaymentCaptured,
    PaymentCreated,
    PaymentNoticed,
    PaymentQueried,
    PaymentReauthorized,
    PaymentRefunded,
    Result,
    ShareTransferred,
    ThreeDSecureCompleted,
)
from schemas.payments.three_d_secure import CompleteThreeDSecure

MOVE_NOTHING: Final = frozenset(
    {QueryPayment.type, ReauthorizePayment.type, ResolveOutcome.type, TakeNotice.type, ApproveLine.type}
)
"""Types of the commands that move no money by themselves, answered or not."""
Stage = Literal["new", "pending", "authorized", "captured", "cancelled", "unsettled"]
Minor = Annotated[int, Field(ge=0)]


class LineRefund(Frozen):
    line_id: str
    minor: Minor


class Payment(Frozen):
    """Totals in minor units of `currency`.

    In stage `unsettled` a command's outcome stayed unknown or pending, so that the totals may be short; which ones
    these are stands in `open_commands`.
    """

    payment_id: UUID
    stage: Stage = "new"
    integration_id: str | None = None
    provider: str | None = None
    provider_reference: str | None = None
    create_reference: str | None = None
    """The reference we sent with the creation: a query by it works where the provider's own id is not known."""
    complete_reference: str | None = None
    """The reference we sent with the last completion of what was started."""
    order_id: str | None = None
    currency: str | None = None
    held: Minor = 0
    captured: Minor = 0
    refunded: Minor = 0
    transferred: Minor = 0
    """Paid out to sub-merchants' bank accounts, of what was captured."""
    lines: tuple[LineReference, ...] = ()
    line_refunds: tuple[LineRefund, ...] = ()
    open_commands: tuple[OpenCommand, ...] = ()
    proposals: tuple[ResolutionProposal, ...] = ()
    """What one person said about them, while a second one has to agree: the last word on each."""
    resolved: tuple[UUID, ...] = ()
    """Commands whose outcome people have settled."""
    disputes: tuple[Dispute, ...] = ()
    """Each as its provider told of it last."""
    dispute_facts: Minor = 0
    """How often something new was told of them."""

    @property
    def refundable(self) -> int:
        return self.captured - self.refunded

    @property
    def disputed(self) -> int:
        """What disputes have taken of it; it stands in neither `captured` nor `refunded`."""
        return withdrawn_minor(self.disputes, self.currency)

    @property
    def undisputed(self) -> int:
        """What can still be given back: not what a dispute took. Nothing, where that cannot be compared."""
        if takes_another_currency(self.disputes, self.currency):
            return 0
        return max(self.refundable - self.disputed, 0)

    @property
    def transferable(self) -> int:
        return max(self.undisputed - self.transferred, 0)

    @property
    def open_creation(self) -> OpenCommand | None:
        """The command that began it, while its outcome is open."""
        return next((known for known in self.open_commands if known.command_type in CREATIONS), None)

    @property
    def waits_until(self) -> datetime | None:
        """Until when it waits for its payer; `None` where nothing does, or more than the payer's act is open."""
        alone = self.open_creation if self.stage == "pending" and len(self.open_commands) == 1 else None
        return None if alone is None else alone.deadline

    def line_refundable(self, line_id: str) -> int | None:
        """What can still be given back of one line, in minor units; `None` for a line that is not known."""
        for line in self.lines:
            if line.line_id == line_id:
                return line.paid.minor - sum(done.minor for done in self.line_refunds if done.line_id == line_id)
        return None

    def open_command(self, command_id: UUID) -> OpenCommand | None:
        return next((known for known in self.open_commands if known.command_id == command_id), None)

    def proposal(self, command_id: UUID) -> ResolutionProposal | None:
        return next((said for said in self.proposals if said.of_command_id == command_id), None)

    def after(self, result: Result) -> Self:
        """The payment once `result` holds. Pure; refusals change nothing."""
        return self.model_copy(update=self._changes(result))

    def _changes(self, result: Result) -> dict[str, object]:
        match result:
            case PaymentCreated(state="authorized"):
                return {"stage": "authorized", "held": result.paid_price.minor, **_creation(result)}
            case PaymentCreated():
                return {"stage": "captured", "captured": result.paid_price.minor, **_creation(result)}
            case PaymentCaptured():
                lines = result.lines or self.lines
                return {"stage": "captured", "held": 0, "captured": result.captured_total.minor, "lines": lines}
            case PaymentReauthorized():
                return {"lines": result.lines or self.lines}
            case PaymentCancelled(effect="released"):
                return {"stage": "cancelled", "held": 0}
            case PaymentCancelled():
                return {"stage": "cancelled", "held": 0, "refunded": self.captured}
            case PaymentRefunded(line_id=None):
                return {"refunded": result.refunded_total.minor}
            case PaymentRefunded(line_id=str(line_id)):
                done = LineRefund(line_id=line_id, minor=result.amount.minor)
                return {"refunded": result.refunded_total.minor, "line_refunds": (*self.line_refunds, done)}
            case OutcomeResolved():
                return self._resolved(result)
            case CommandPending(proposal=ResolutionProposal() as proposal):
                return {"proposals": (*self._proposals_without(proposal.of_command_id), proposal)}
            case CommandPending() | CommandUnknown() if result.command_type in MOVE_NOTHING:
                return {}  # totals stay as they are, answered or not
            case CommandPending() if result.command_type in CREATIONS:
                return {"stage": "pending", **_requested(result), **_begun_as(result), **self._opened(result)}
            case CommandPending() if result.command_type == CompleteThreeDSecure.type:
                # The provider decides it: the payment waits as it waited for the payer.
                return {**self._opened(result), **_completed_as(result)}
            case CommandUnknown() if result.command_type in CREATIONS:
                return {"stage": "unsettled", **_requested(result), **_begun_as(result), **self._opened(result)}
            case CommandPending() | CommandUnknown():
                # Money may be on its way, so that no further movement can be judged by these totals.
                return {"stage": "unsettled", **self._opened(result), **_completed_as(result)}
            case PaymentNoticed(dispute=Dispute() as dispute, dispute_sequence=int(sequence)):
                return {"disputes": with_dispute(self.disputes, dispute), "dispute_facts": sequence}
            case PaymentQueried() | PaymentNoticed() | ThreeDSecureCompleted():
                return {**self._found(result), **_completed_as(result)}
            case CommandRefused() if ends_its_start(result) and self.creation_is_open:
                return {"stage": "new", "open_commands": (), **_completed_as(result)}
            case ShareTransferred():
                return {"transferred": self.transferred + result.amount.minor}
            case _:
                return {}

    @property
    def creation_is_open(self) -> bool:
        """Whether the outcome of its creation is not known yet, and nothing was moved."""
        return self.stage in {"pending", "unsettled"} and self.held == self.captured == self.refunded == 0

    def _opened(self, result: CommandPending | CommandUnknown) -> dict[str, object]:
        return {
            "open_commands": (
                *self.open_commands,
                OpenCommand(
                    command_id=result.command_id,
                    command_type=result.command_type,
                    verdict=result.verdict,
                    amount=result.requested,
                    reference=None if result.performed is None else result.performed.our_reference,
                    order_id=result.order_id,
                    capture=result.capture,
                    line_id=result.line_id,
                    deadline=result.deadline if isinstance(result, CommandPending) else None,
                ),
            )
        }

    def _found(self, result: PaymentQueried | PaymentNoticed | ThreeDSecureCompleted) -> dict[str, object]:
        """What was found settles a creation that was open; a movement that is open beside it stays so."""
        changed = result.changed or self._settled_before(result)
        if changed is None:
            return {"lines": result.lines} if result.lines and self._is_renamed_by(result) else {}
        if changed == "failed":
            return {"stage": "new", "open_commands": ()}
        seen = self._named(result)
        if changed == "cancelled":
            return {"stage": "cancelled", "held": 0, "open_commands": (), **seen}
        amount = result.amount or result.paid_price
        left = tuple(known for known in self.open_commands if known.command_type not in OF_A_CREATION)
        stage = "unsettled" if left else changed
        facts = {"open_commands": left, "lines": result.lines or self.lines, **seen}
        if amount is not None:
            facts["currency"] = amount.currency
        minor = 0 if amount is None else amount.minor
        if changed == "authorized":
            return {"stage": stage, "held": minor, **facts}
        # Money that came after a cancel is there to be given back; the payment does not open again.
        stage = "cancelled" if self.stage == "cancelled" else stage
        return {"stage": stage, "held": 0, "captured": minor, **facts}

    def _is_renamed_by(self, result: PaymentQueried | PaymentNoticed | ThreeDSecureCompleted) -> bool:
        """Whether money moves by other names than are known, where what gave them to it stayed unknown.

        So it is of a hold that was renewed; and of one that was captured, once a person has said so.
        """
        if not isinstance(result, PaymentQueried) or self.stage != result.provider_state:
            return False
        known, told = {line.line_id for line in self.lines}, {line.line_id for line in result.lines}
        taken = self.stage == "captured" and self.refunded == 0 and known.isdisjoint(told)
        return self.stage == "authorized" or taken

    def _settled_before(self, result: PaymentQueried | PaymentNoticed | ThreeDSecureCompleted) -> str | None:
        """What a query of an earlier version settled: it did not say so itself."""
        state = result.provider_state
        if not isinstance(result, PaymentQueried) or not self.creation_is_open:
            return None
        told = state in {"failed", "cancelled"} or (
            state in {"captured", "authorized"} and result.paid_price is not None
        )
        return state if told else None

    def _named(self, result: Found) -> dict[str, object]:
        """Where it was found, and under which names. A question's own reference is no name of the payment."""
        seen = _performed(result)
        told = seen.pop("create_reference", None)
        if self.create_reference is None and isinstance(result, PaymentNoticed):
            seen["create_reference"] = told
        return seen

    def _resolved(self, result: OutcomeResolved) -> dict[str, object]:
        """What a person said holds: the command did what it was to do, or never happened."""
        left = tuple(known for known in self.open_commands if known.command_id != result.of_command_id)
        if result.of_command_type == CompleteThreeDSecure.type and result.effect is not None:
            # Its start is over with it.
            left = tuple(known for known in left if known.command_type not in OF_A_CREATION)
        changes: dict[str, object] = {
            "open_commands": left,
            "proposals": self._proposals_without(result.of_command_id),
            "resolved": (*self.resolved, result.of_command_id),
            **self._effect(result),
        }
        return {"stage": _stage_by_totals(self.model_copy(update=changes)), **changes}

    def _effect(self, result: OutcomeResolved) -> dict[str, object]:
        minor = 0 if result.amount is None else result.amount.minor
        match result.effect:
            case "authorized":
                return {"held": self.held + minor, **self._created(result)}
            case "captured":
                return {"held": 0, "captured": self.captured + minor, **self._created(result)}
            case "released":
                return {"stage": "cancelled", "held": 0}
            case "reversed":
                return {"stage": "cancelled", "held": 0, "refunded": self.captured}
            case "refunded" if result.line_id is not None:
                done = LineRefund(line_id=result.line_id, minor=minor)
                return {"refunded": self.refunded + minor, "line_refunds": (*self.line_refunds, done)}
            case "refunded":
                return {"refunded": self.refunded + minor}
            case "transferred":
                return {"transferred": self.transferred + minor}
            case None:
                return {}

    def _created(self, result: OutcomeResolved) -> dict[str, object]:
        """What is known of a creation only now."""
        named = None if result.performed is None else result.performed.provider_reference
        currency = None if result.amount is None else result.amount.currency
        return {
            "order_id": self.order_id or result.order_id,
            "currency": self.currency or currency,
            "provider_reference": named or self.provider_reference,
        }

    def _proposals_without(self, command_id: UUID) -> tuple[ResolutionProposal, ...]:
        return tuple(said for said in self.proposals if said.of_command_id != command_id)


def _stage_by_totals(payment: Payment) -> Stage:
    """What stage a payment is in that was not cancelled."""
    open_ones = payment.open_commands
    if any(known.verdict == "unknown" or known.command_type not in OF_A_CREATION for known in open_ones):
        return "unsettled"
    if open_ones:
        return "pending"
    if payment.captured:
        return "captured"
    return "authorized" if payment.held else "new"


def _creation(result: PaymentCreated) -> dict[str, object]:
    facts = {"order_id": result.order_id, "currency": result.paid_price.currency, "lines": result.lines}
    return {**facts, **_begun_as(result)}


def _requested(result: CommandPending | CommandUnknown) -> dict[str, object]:
    return {} if result.requested is None else {"currency": result.requested.currency}


def _begun_as(result: CommandResult) -> dict[str, object]:
    """A creation's names. A completion that belonged to an earlier one, which failed, is none of this one's."""
    return {"complete_reference": None, **_performed(result)}


def _completed_as(result: CommandResult) -> dict[str, object]:
    if result.performed is None or result.command_type != CompleteThreeDSecure.type:
        return {}
    return {"complete_reference": result.performed.our_reference}


def _performed(result: CommandResult) -> dict[str, object]:
    if result.performed is None:
        return {}
    return {
        "integration_id": result.performed.integration_id,
        "provider": result.performed.provider,
        "provider_reference": result.performed.provider_reference,
        "create_reference": result.performed.our_reference,
    }
