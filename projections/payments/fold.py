"""Events of payments, to the parts of rows of `payment_transactions`."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias, assert_never
from uuid import UUID

from projections.columns import storable
from projections.entry import Entry
from schemas.envelope import Envelope
from schemas.money import Money
from schemas.payments import (
    ApproveLine,
    CommandPending,
    CommandRefused,
    CommandRejected,
    CommandUnknown,
    CompleteThreeDSecure,
    DisputeFact,
    LateOutcome,
    LineApproved,
    OutcomeResolved,
    PaymentCancelled,
    PaymentCaptured,
    PaymentCreated,
    PaymentEvent,
    PaymentNoticed,
    PaymentQueried,
    PaymentReauthorized,
    PaymentRefunded,
    QueryPayment,
    ReauthorizePayment,
    ResolveOutcome,
    Result,
    ResultDivergence,
    ShareTransferred,
    TakeNotice,
    ThreeDSecureCompleted,
)
from schemas.payments.creations import ends_its_start

_KINDS: Final = {
    "payments.create.v1": "create",
    "payments.start_three_d_secure.v1": "create",
    "payments.complete_three_d_secure.v1": "complete",
    "payments.capture.v1": "capture",
    "payments.reauthorize_payment.v1": "reauthorize",
    "payments.cancel.v1": "cancel",
    "payments.refund.v1": "refund",
    "payments.transfer_share.v1": "transfer",
}
_MOVED: Final = {
    "captured": ("capture", "captured"),
    "authorized": ("create", "authorized"),
    "cancelled": ("cancel", "released"),
}
"""Kind and effect of what was found changed at the provider, as if it had been ordered here."""
_NO_MOVEMENTS: Final = frozenset({QueryPayment.type, ResolveOutcome.type, TakeNotice.type, ApproveLine.type})
_TOLD_APART: Final[Mapping[str, Any]] = {
    **dict.fromkeys((
        "payment_id", "command_id", "command_type", "concluded_at", "performed", "verdict", "order_id", "method",
        "instalments", "price", "line_id", "detail", "capture", "payer", "held_until",
    ), True),
    # A bank's page is for the payer's browser alone; the event has it.
    "next_action": {"html": True},
}  # fmt: skip
"""Fields with columns of their own, which `gateway_response` does not repeat, and what would only swell it."""


class Movement(NamedTuple):
    """What a command's result says about its movement of money, or its try."""

    transaction_id: UUID
    payment_id: UUID
    integration_id: str | None
    provider: str | None
    kind: str
    order_id: str | None
    payment_method: str | None
    line_id: str | None
    instalments: int | None
    price_minor: int | None
    result_minor: int | None
    result_currency: str | None
    provider_fee_minor: int | None
    provider_fee_currency: str | None
    verdict: str
    effect: str | None
    reason: str | None
    error_message: str | None
    provider_code: str | None
    provider_reference: str | None
    our_reference: str | None
    gateway_response: str
    event_source: str
    event_id: UUID
    result_offset: int
    concluded_at: datetime
    subject_id: UUID | None
    payer: str | None
    held_until: datetime | None


class Late(NamedTuple):
    """An outcome that somebody learned after the command had been taken over."""

    transaction_id: UUID
    payment_id: UUID
    integration_id: str | None
    provider: str | None
    provider_reference: str | None
    our_reference: str | None
    late_verdict: str
    late_minor: int | None
    late_currency: str | None
    late_event_id: UUID
    late_at: datetime


class Settlement(NamedTuple):
    """What became of an outcome that was open.

    Either the provider said it of a payment whose creation was pending or unknown when it was asked, or a person said
    it of one command, `of_command`, whose outcome was unknown.
    """

    payment_id: UUID
    offset: int
    settled_state: str
    settled_minor: int | None
    settled_currency: str | None
    settled_event_id: UUID
    settled_at: datetime
    of_command: UUID | None = None
    reason: str | None = None
    held_until: datetime | None = None


Part: TypeAlias = Movement | Late | Settlement


def is_told(entry: Entry) -> bool:
    """Whether it is an event of a payment; those of resources are another table's."""
    return isinstance(entry.body, PaymentEvent)


def fold(entry: Entry) -> tuple[Part, ...]:
    if entry.envelope is None or not isinstance(entry.body, PaymentEvent):
        return ()
    return _parts(entry.envelope, entry.offset, entry.body)


def _parts(envelope: Envelope, offset: int, event: PaymentEvent) -> tuple[Part, ...]:
    told = (envelope, offset)
    match event:
        case PaymentCreated():
            row = _movement(*told, event, event.paid_price, event.state)._replace(
                order_id=event.order_id,
                payment_method=event.method,
                instalments=event.instalments,
                price_minor=event.price.minor,
                provider_fee_minor=_minor(event.provider_fee),
                provider_fee_currency=_code(event.provider_fee),
            )
            return (row,)
        case PaymentCaptured():
            return (_movement(*told, event, event.amount, "captured"),)
        case PaymentReauthorized():
            return (_movement(*told, event, event.amount, None),)
        case PaymentCancelled():
            return (_movement(*told, event, event.amount, event.effect),)
        case PaymentRefunded():
            return (_movement(*told, event, event.amount, "refunded")._replace(line_id=event.line_id),)
        case CommandRefused() | CommandPending() | CommandUnknown():
            if event.command_type in _NO_MOVEMENTS:
                return ()
            detail = None if isinstance(event, CommandPending) else event.detail
            # A renewal that nobody knows of leaves the payment's totals as they are, and its state.
            amount = None if event.command_type == ReauthorizePayment.type else event.requested
            row = _movement(*told, event, amount, None)
            row = row._replace(reason=event.reason.value, error_message=detail, provider_code=event.provider_code)
            if isinstance(event, CommandRefused):
                over = ends_its_start(event)
                return (row, _creation_failed(*told, event)) if over else (row,)
            return (row._replace(order_id=event.order_id, line_id=event.line_id),)
        case ThreeDSecureCompleted():
            # The money stands in the row of the start, which this settles.
            row = _movement(*told, event, event.amount or event.paid_price, None)
            row = row._replace(
                error_message=event.detail,
                provider_fee_minor=_minor(event.provider_fee),
                provider_fee_currency=_code(event.provider_fee),
            )
            return (row, *_settlement(*told, event))
        case ShareTransferred():
            return (_movement(*told, event, event.amount, "transferred"),)
        case LineApproved():
            return ()
        case PaymentQueried() | PaymentNoticed():
            return _found(*told, event)
        case OutcomeResolved():
            return (_resolution(*told, event),)
        case LateOutcome():
            return (_late(envelope, event),)
        case DisputeFact():
            return ()  # what a dispute takes is no movement that was ordered; it has a table of its own
        case ResultDivergence() | CommandRejected():
            return ()  # the first concerns the hub itself, the second no payment: both stand in the audit log
        case _:
            assert_never(event)


def _movement(envelope: Envelope, offset: int, result: Result, amount: Money | None, effect: str | None) -> Movement:
    who, payer = result.performed, getattr(result, "payer", None)
    return Movement(
        transaction_id=result.command_id,
        payment_id=result.payment_id,
        integration_id=who.integration_id if who else None,
        provider=who.provider if who else None,
        kind=_KINDS.get(result.command_type, "other"),
        order_id=None,
        payment_method=None,
        line_id=None,
        instalments=None,
        price_minor=None,
        result_minor=_minor(amount),
        result_currency=_code(amount),
        provider_fee_minor=None,
        provider_fee_currency=None,
        verdict=result.verdict,
        effect=effect,
        reason=None,
        error_message=None,
        provider_code=None,
        provider_reference=who.provider_reference if who else None,
        our_reference=who.our_reference if who else None,
        gateway_response=_rest(result),
        event_source=envelope.source,
        event_id=envelope.id,
        result_offset=offset,
        concluded_at=result.concluded_at,
        subject_id=None if payer is None else payer.subject,
        payer=None if payer is None else payer.sealed,
        held_until=getattr(result, "held_until", None),
    )


def _late(envelope: Envelope, late: LateOutcome) -> Late:
    who = late.performed
    return Late(
        late.command_id,
        late.payment_id,
        who.integration_id if who else None,
        who.provider if who else None,
        who.provider_reference if who else None,
        who.our_reference if who else None,
        late.verdict.value,
        _minor(late.amount),
        _code(late.amount),
        envelope.id,
        late.observed_at,
    )


def _found(envelope: Envelope, offset: int, seen: PaymentQueried | PaymentNoticed) -> tuple[Part, ...]:
    """What was found settles a creation that was open, or was a movement that nobody had asked the hub for."""
    if not seen.settles and seen.changed in _MOVED:
        kind, effect = _MOVED[seen.changed]
        row = _movement(envelope, offset, seen, seen.amount, effect)
        return (row._replace(kind=kind, error_message=seen.detail),)
    if seen.settles or isinstance(seen, PaymentQueried):
        return _settlement(envelope, offset, seen)
    return ()


def _settlement(
    envelope: Envelope, offset: int, seen: PaymentQueried | PaymentNoticed | ThreeDSecureCompleted
) -> tuple[Settlement, ...]:
    """A query settles only with a clear word. `not_found` is none: the payment may still come."""
    if isinstance(seen, PaymentNoticed) and seen.abandoned:
        return (_creation_failed(envelope, offset, seen)._replace(reason="abandoned"),)
    if seen.provider_state == "failed" or (seen.settles and seen.provider_state == "cancelled"):
        return (_creation_failed(envelope, offset, seen),)
    if seen.provider_state in {"captured", "authorized"} and seen.paid_price is not None:
        paid = (seen.paid_price.minor, seen.paid_price.currency)
        about = (envelope.id, seen.concluded_at)
        settled = Settlement(seen.payment_id, offset, seen.provider_state, *paid, *about)
        return (settled._replace(held_until=seen.held_until),)
    return ()


def _creation_failed(envelope: Envelope, offset: int, told: Result) -> Settlement:
    return Settlement(told.payment_id, offset, "failed", None, None, envelope.id, told.concluded_at)


def _resolution(envelope: Envelope, offset: int, said: OutcomeResolved) -> Settlement:
    moved = said.amount if said.effect is not None else None
    state = said.effect or "failed"
    # A completion that was performed is the word on its payment's start, whose row has the money.
    completed = said.of_command_type == CompleteThreeDSecure.type and said.effect is not None
    about = (envelope.id, said.concluded_at, None if completed else said.of_command_id)
    return Settlement(said.payment_id, offset, state, _minor(moved), _code(moved), *about)


def _rest(result: Result) -> str:
    text = result.model_dump_json(exclude_none=True, exclude=dict(_TOLD_APART))
    return json.dumps(_without_nul(json.loads(text)), ensure_ascii=False) if "\\u0000" in text else text


def _without_nul(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_nul(held) for name, held in value.items()}
        case list():
            return [_without_nul(held) for held in value]
        case _:
            return storable(value)


def _minor(amount: Money | None) -> int | None:
    return None if amount is None else amount.minor


def _code(amount: Money | None) -> str | None:
    return None if amount is None else amount.currency
