"""A payment as its results tell it: what the ledger keeps for each key, and what decisions are made on."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from schemas.base import Frozen
from schemas.payments.commands import CreatePayment, QueryPayment
from schemas.payments.results import (
    CommandPending,
    CommandUnknown,
    LineReference,
    PaymentCancelled,
    PaymentCaptured,
    PaymentCreated,
    PaymentQueried,
    PaymentRefunded,
    Result,
)

Stage = Literal["new", "pending", "authorized", "captured", "cancelled", "unsettled"]
Minor = Annotated[int, Field(ge=0)]


class LineRefund(Frozen):
    line_id: str
    minor: Minor


class Payment(Frozen):
    """Totals in minor units of `currency`.

    In stage `unsettled` a command's outcome stayed unknown or pending, so that the totals may be short.
    """

    payment_id: UUID
    stage: Stage = "new"
    integration_id: str | None = None
    provider: str | None = None
    provider_reference: str | None = None
    create_reference: str | None = None
    """The reference we sent with the creation: a query by it works where the provider's own id is not known."""
    order_id: str | None = None
    currency: str | None = None
    held: Minor = 0
    captured: Minor = 0
    refunded: Minor = 0
    lines: tuple[LineReference, ...] = ()
    line_refunds: tuple[LineRefund, ...] = ()

    @property
    def refundable(self) -> int:
        return self.captured - self.refunded

    def line_refundable(self, line_id: str) -> int | None:
        """What can still be given back of one line, in minor units; `None` for a line that is not known."""
        for line in self.lines:
            if line.line_id == line_id:
                return line.paid.minor - sum(done.minor for done in self.line_refunds if done.line_id == line_id)
        return None

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
            case PaymentCancelled(effect="released"):
                return {"stage": "cancelled", "held": 0}
            case PaymentCancelled():
                return {"stage": "cancelled", "held": 0, "refunded": self.captured}
            case PaymentRefunded(line_id=None):
                return {"refunded": result.refunded_total.minor}
            case PaymentRefunded(line_id=str(line_id)):
                done = LineRefund(line_id=line_id, minor=result.amount.minor)
                return {"refunded": result.refunded_total.minor, "line_refunds": (*self.line_refunds, done)}
            case CommandPending() | CommandUnknown() if result.command_type == QueryPayment.type:
                return {}  # a question moves nothing, answered or not
            case CommandPending() if result.command_type == CreatePayment.type:
                return {"stage": "pending", **_requested(result), **_performed(result)}
            case CommandUnknown() if result.command_type == CreatePayment.type:
                return {"stage": "unsettled", **_requested(result), **_performed(result)}
            case CommandPending() | CommandUnknown():
                # Money may be on its way, so that no further movement can be judged by these totals.
                return {"stage": "unsettled"}
            case PaymentQueried() if self._creation_is_open:
                return _found(result)
            case _:
                return {}

    @property
    def _creation_is_open(self) -> bool:
        return self.stage in {"pending", "unsettled"} and self.held == self.captured == self.refunded == 0


def _creation(result: PaymentCreated) -> dict[str, object]:
    facts = {"order_id": result.order_id, "currency": result.paid_price.currency, "lines": result.lines}
    return {**facts, **_performed(result)}


def _requested(result: CommandPending | CommandUnknown) -> dict[str, object]:
    return {} if result.requested is None else {"currency": result.requested.currency}


def _performed(result: Result) -> dict[str, object]:
    if result.performed is None:
        return {}
    return {
        "integration_id": result.performed.integration_id,
        "provider": result.performed.provider,
        "provider_reference": result.performed.provider_reference,
        "create_reference": result.performed.our_reference,
    }


def _found(result: PaymentQueried) -> dict[str, object]:
    """A query settles a creation that was pending or unknown; "not found" settles nothing, since it may come late."""
    seen = _performed(result)
    seen.pop("create_reference", None)
    if result.provider_state == "failed":
        return {"stage": "new"}
    if result.provider_state == "cancelled":
        return {"stage": "cancelled", **seen}
    if result.paid_price is None or result.provider_state not in {"captured", "authorized"}:
        return {}
    total = "held" if result.provider_state == "authorized" else "captured"
    facts = {"currency": result.paid_price.currency, "lines": result.lines}
    return {"stage": result.provider_state, total: result.paid_price.minor, **facts, **seen}
