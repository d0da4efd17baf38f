"""An order as PayPal tells it: the one shape in which everything about a payment can be read.

Source: README, "Orders".
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from providers.connector import Attempt, Request, Wire
from providers.notices import named
from providers.outcome import Outcome, ProviderState, UnusableAnswer
from providers.payments.paypal.amounts import Amount, from_wire, moved
from providers.payments.paypal.errors import PROCESSOR
from providers.payments.paypal.known import Kind, line, order_of
from providers.payments.paypal.moments import moment
from providers.payments.paypal.vaulted import Instrument, kept_card, summary_of
from providers.payments.paypal.wire import Reply, get
from schemas.payments import Reason
from schemas.verdicts import FailureClass, Verdict

ORDER: Final = "/v2/checkout/orders/{order}"
WAITING: Final = frozenset({"CREATED", "SAVED", "PAYER_ACTION_REQUIRED", "APPROVED"})
"""The words for an order by which no money has moved. `APPROVED` is the payer's yes, and no more."""
_TAKEN: Final = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
_NOT_TAKEN: Final = frozenset({"DECLINED", "FAILED"})
_HOLDING: Final = frozenset({"CREATED", "PENDING"})
_CODE: Final = re.compile(r"[0-9A-Za-z_]{1,100}")


class StatusDetails(Wire):
    reason: str | None = None


class Processor(Wire):
    response_code: str | None = None


class Breakdown(Wire):
    paypal_fee: Amount | None = None


class Movement(Reply):
    """An authorization, a capture or a refund; alone it may be a failure instead."""

    id: str | None = None
    status: str | None = None
    amount: Amount | None = None
    custom_id: str | None = None
    expiration_time: str | None = None
    status_details: StatusDetails | None = None
    processor_response: Processor | None = None
    seller_receivable_breakdown: Breakdown | None = None

    @property
    def why(self) -> str | None:
        """Their code for what is the matter with it."""
        processor = None if self.processor_response is None else self.processor_response.response_code
        details = None if self.status_details is None else self.status_details.reason
        code = processor if processor not in {None, "0000"} else details
        return code if code is not None and _CODE.fullmatch(code) else None


class Payments(Wire):
    authorizations: tuple[Movement, ...] | None = None
    captures: tuple[Movement, ...] | None = None
    refunds: tuple[Movement, ...] | None = None


class Unit(Wire):
    payments: Payments | None = None


class Sources(Wire):
    card: Instrument | None = None
    paypal: Instrument | None = None


class OrderReply(Reply):
    id: str | None = None
    status: str | None = None
    intent: str | None = None
    purchase_units: tuple[Unit, ...] | None = None
    payment_source: Sources | None = None

    def movements(self, kind: Literal["authorizations", "captures", "refunds"]) -> tuple[Movement, ...]:
        units = self.purchase_units or ()
        return tuple(one for unit in units if unit.payments for one in getattr(unit.payments, kind) or ())


def ask_about(_command: object, attempt: Attempt) -> Request:
    """The order itself, whatever is to be known of it. Their answers cannot be asked for by a reference of ours."""
    return get(ORDER, order=order_of(attempt))


def require_order(reply: OrderReply, attempt: Attempt) -> None:
    """Check that the answer speaks of our order.

    Raises:
        UnusableAnswer: it names another one, or none.
    """
    if reply.id is None or reply.id != attempt.payment.provider_reference:
        raise UnusableAnswer("id is not that of the order that was asked about")


def performed(reply: OrderReply) -> Outcome | None:
    """What money has moved by the order, or was to; `None` where nobody has tried yet.

    Raises:
        UnusableAnswer: a word was never met, an amount is missing, or more than one capture holds money, which the hub
            does not know of.
    """
    captures = reply.movements("captures")
    live = [one for one in captures if one.status not in _NOT_TAKEN]
    authorizations = _standing(reply.movements("authorizations"))
    # A capture that was declined leaves its hold as it was, and that is how the payment stands.
    holds = not live and any(one.status in _HOLDING for one in authorizations)
    tried = () if holds else live or captures[-1:]
    if not tried and not authorizations:
        return None
    found = captured(_single(tried)) if tried else authorized(_single(authorizations))
    sources = reply.payment_source or Sources()
    kept = kept_card(sources.card, sources.paypal)
    return replace(found, reference=named(reply.id), card=summary_of(sources.card), stored_card=kept)


def captured(movement: Movement) -> Outcome:
    """What became of a capture.

    Raises:
        UnusableAnswer: its id or amount is missing, or its status is a word that was never met.
    """
    match movement.status:
        case status if status in _TAKEN:
            taken = _facts(movement, "capture")
            return replace(taken, verdict=Verdict.ACCEPTED, state=ProviderState.CAPTURED)
        case "PENDING":
            return _undecided(movement, "capture")
        case status if status in _NOT_TAKEN:
            return _refused(movement)
        case _:
            raise UnusableAnswer("the capture's status is missing or a word that PayPal's documents do not have")


def authorized(movement: Movement) -> Outcome:
    """What became of an authorization by which nothing was captured; raises as `captured`."""
    match movement.status:
        case "CREATED":
            held = _facts(movement, "authorization")
            until = moment(movement.expiration_time)
            return replace(held, verdict=Verdict.ACCEPTED, state=ProviderState.AUTHORIZED, held_until=until)
        case "PENDING":
            return _undecided(movement, "authorization")
        case "DENIED":
            return _refused(movement)
        case "VOIDED":
            return Outcome(
                verdict=Verdict.REFUSED,
                reason=Reason.NOT_AUTHORIZED,
                failure=FailureClass.STATE,
                detail="the hold was lifted, or has lapsed; nothing was taken",
                their_code="VOIDED",
                state=ProviderState.CANCELLED,
            )
        case _:
            raise UnusableAnswer("the authorization's status is missing, or does not fit an order without a capture")


def as_asked(outcome: Outcome, capture: Literal["auto", "manual"] | None) -> Outcome:
    """A charge where a hold was asked for, or the reverse, is no success of either."""
    wanted = {"auto": ProviderState.CAPTURED, "manual": ProviderState.AUTHORIZED}.get(capture or "")
    if wanted is None or outcome.state not in {ProviderState.CAPTURED, ProviderState.AUTHORIZED}:
        return outcome
    if outcome.state is wanted:
        return outcome
    return replace(
        outcome,
        verdict=Verdict.UNKNOWN,
        reason=Reason.OUTCOME_UNKNOWN,
        failure=FailureClass.UNKNOWN,
        detail=f"{wanted.value} was asked for and PayPal says {outcome.state.value}; a person must compare both books",
    )


def _facts(movement: Movement, kind: Kind) -> Outcome:
    movement_id = named(movement.id)
    if movement_id is None:
        raise UnusableAnswer(f"the {kind}'s id is missing, or is none")
    amount = moved(movement.amount, f"the {kind}'s amount")
    breakdown = movement.seller_receivable_breakdown
    fee = None if breakdown is None else breakdown.paypal_fee
    return Outcome(
        verdict=Verdict.UNKNOWN,
        amount=amount,
        lines=line(kind, movement_id, amount),
        fee=None if fee is None else from_wire(fee, "paypal_fee"),
    )


def _undecided(movement: Movement, kind: Kind) -> Outcome:
    return replace(
        _facts(movement, kind),
        verdict=Verdict.PENDING,
        reason=Reason.UNDER_REVIEW,
        detail="PayPal has not decided, or waits for the payer's bank; deliver only once it is completed",
        their_code=movement.why,
        state=ProviderState.PENDING,
    )


def _refused(movement: Movement) -> Outcome:
    return Outcome(
        verdict=Verdict.REFUSED,
        reason=PROCESSOR.get(movement.why or "", Reason.DECLINED),
        failure=FailureClass.DECLINED,
        detail=f"declined; the payer may choose another way to pay (PayPal: {movement.why or movement.status})",
        their_code=movement.why or movement.status,
        state=ProviderState.FAILED,
    )


def _standing(authorizations: Sequence[Movement]) -> tuple[Movement, ...]:
    """The one that stands, the last of them: a hold that was renewed leaves the earlier one behind."""
    over = {"VOIDED", "DENIED"}
    return tuple([one for one in authorizations if one.status not in over] or authorizations)[-1:]


def _single(movements: Sequence[Movement]) -> Movement:
    if len(movements) != 1:
        raise UnusableAnswer("the order holds more than one capture; a person must compare both books")
    return movements[0]
