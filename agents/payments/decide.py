"""What to do with a command, decided on values alone: no clock, no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from agents.ledger import Claim, ClaimStatus, SentAttempt, StoredResult
from schemas.money import Money
from schemas.payments import (
    ApproveLine,
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    CreatePayment,
    Payment,
    PaymentCommand,
    QueryPayment,
    Reason,
    ReauthorizePayment,
    RefundPayment,
    ResolveOutcome,
    StartThreeDSecure,
    TakeNotice,
    TransferShare,
)
from schemas.verdicts import FailureClass


@dataclass(frozen=True, slots=True)
class Answer:
    """It is concluded: publish the stored result again."""

    result: StoredResult


@dataclass(frozen=True, slots=True)
class Conflict:
    """The id belongs to another command."""


@dataclass(frozen=True, slots=True)
class TooOld:
    """The id is older than what the ledger keeps."""


@dataclass(frozen=True, slots=True)
class Lying:
    """It lies parked: its waking is ordered once more, for the first order may have been lost with a worker."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Earlier commands of this payment are parked: it is laid behind them."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: another worker's lease runs, or an earlier command of this payment is open."""

    after_s: float
    why: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """It is certainly not performed."""

    reason: Reason
    failure: FailureClass
    detail: str
    requested: Money | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """Perform it: certainly nothing was performed yet. `amount` is to be moved, worked out from the payment."""

    amount: Money | None


@dataclass(frozen=True, slots=True)
class Inquire:
    """Something may have been sent: ask the provider about `attempt` before anything else.

    Attributes:
        resend: whether the same request may go out again, byte for byte, once the provider does not know it.
        earlier: further attempts that may have been performed instead, the last one first. A ledger that was rebuilt
            knows of every send that was intended, and not which of them came to nothing.
    """

    attempt: SentAttempt
    amount: Money | None
    resend: bool
    earlier: tuple[SentAttempt, ...] = ()


Decision = Answer | Conflict | TooOld | Lying | Queue | Wait | Refuse | Call | Inquire

_UNSETTLED: Final = "an earlier outcome is unknown; query the payment and settle it first"
RESEND_MARGIN_S = 60.0
"""A repeatable request is not sent again in the last minute of the provider's promise: clocks differ."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What the connector says of the operation: see `providers.connector.Operation`."""

    repeatable_for_s: float | None
    resend_after_absence_s: float | None


def decide(
    claim: Claim,
    payment: Payment,
    command: PaymentCommand,
    promise: Promise | None,
    *,
    now: datetime,
    withdrawn: str | None = None,
    awaits_completion: bool = False,
) -> Decision:
    """The next step for a claimed command.

    Args:
        claim: the ledger's answer.
        payment: what the key's concluded commands add up to.
        command: what is asked.
        promise: the repeatability of the operation that was sent last; `None` when nothing was, or nobody knows.
        now: UTC; only `expires_at` is judged by it.
        withdrawn: which operator does not want it performed any more, and why.
        awaits_completion: whether every creation that waits for its payer, where the payment is, takes a completion.
    """
    if (waits := not_now(claim)) is not None:
        return waits
    amount = amount_of(command, payment)
    return (
        ask_first(claim, amount, promise)
        or not_begun(command.expires_at, amount, now=now, withdrawn=withdrawn)
        or refusal_of(command, payment, awaits_completion=awaits_completion)
        or Call(amount)
    )


def not_now(claim: Claim) -> Decision | None:
    """What to do where the command was not taken; `None` when it was."""
    match claim.status:
        case ClaimStatus.CONCLUDED:
            if claim.result is None:
                raise AssertionError("a concluded command has a result; the ledger's own check holds that")
            return Answer(claim.result)
        case ClaimStatus.CONFLICT:
            return Conflict()
        case ClaimStatus.TOO_OLD:
            return TooOld()
        case ClaimStatus.PARKED:
            return Lying()
        case ClaimStatus.QUEUED:
            return Queue()
        case ClaimStatus.HELD:
            return Wait(_patience(claim.wait_s), "another worker holds it, or an earlier command is open")
        case ClaimStatus.TAKEN:
            return None
        case _:
            assert_never(claim.status)


def ask_first(claim: Claim, amount: Money | None, promise: Promise | None) -> Inquire | None:
    """The question about what may have been sent; `None` when certainly nothing was."""
    maybe_sent = [attempt for attempt in claim.attempts if attempt.maybe_sent]
    if not maybe_sent:
        return None
    *earlier, last = maybe_sent
    # One that goes out again while another one may have been performed would be a second send.
    resend = not earlier and _may_resend(claim, last, promise)
    return Inquire(last, amount, resend, tuple(reversed(earlier)))


def not_begun(
    expires_at: datetime | None, amount: Money | None, *, now: datetime, withdrawn: str | None
) -> Refuse | None:
    """Why a command of which nothing was sent is not begun any more; `None` when it is."""
    if withdrawn is not None:
        return Refuse(Reason.WITHDRAWN, FailureClass.INVALID, f"withdrawn by {withdrawn}", requested=amount)
    if expires_at is not None and expires_at <= now:
        return Refuse(
            Reason.EXPIRED, FailureClass.INVALID, "expires_at had passed before anything was sent", requested=amount
        )
    return None


def attempt_number(attempts: Sequence[SentAttempt], integration_id: str) -> int:
    """The number of the next attempt, made there; all before it certainly were not performed.

    The last one is made again under its own number and reference; at another integration it is a further attempt.
    """
    if not attempts:
        return 1
    last = attempts[-1]
    return last.number if last.integration_id == integration_id else last.number + 1


def amount_of(command: PaymentCommand, payment: Payment) -> Money | None:
    """What a command moves, in full: "all that is left" becomes an amount. `None` where that is nothing, or a query."""
    match command:
        case CreatePayment():
            return command.paid_price
        case CapturePayment():
            return command.amount or _money(payment, payment.held)
        case ReauthorizePayment():
            return _money(payment, payment.held)
        case CancelPayment():
            return _money(payment, payment.held or payment.refundable)
        case RefundPayment(line_id=None):
            return command.amount or _money(payment, payment.undisputed)
        case RefundPayment(line_id=str(line_id)):
            return command.amount or _money(payment, payment.line_refundable(line_id) or 0)
        case CompleteThreeDSecure():
            return None if payment.open_creation is None else payment.open_creation.amount
        case TransferShare():
            return command.amount
        case QueryPayment() | ResolveOutcome() | TakeNotice() | ApproveLine():
            return None
        case _:
            raise AssertionError("every payment command has a case above")


def refusal_of(command: PaymentCommand, payment: Payment, *, awaits_completion: bool = False) -> Refuse | None:
    """Why the payment's state forbids the command; `None` when it does not. `awaits_completion` as in `decide`."""
    match command:
        case QueryPayment():
            return _missing(payment) if payment.stage == "new" else None
        case ResolveOutcome() | TakeNotice():
            return None  # judged in `resolve.py` and `noticing.py`, since they are no movements of their own
        case CreatePayment():
            return _create_refusal(command, payment)
        case CompleteThreeDSecure():
            return _completion_refusal(command, payment, awaits_completion=awaits_completion)
        case (
            CapturePayment()
            | ReauthorizePayment()
            | CancelPayment()
            | RefundPayment()
            | ApproveLine()
            | TransferShare()
        ):
            if payment.stage == "new":
                return _missing(payment)
            if payment.stage == "unsettled":
                return _state(Reason.PAYMENT_UNSETTLED, _UNSETTLED)
            requested = amount_of(command, payment)
            if requested is not None and requested.currency != payment.currency:
                return Refuse(
                    Reason.CURRENCY_MISMATCH,
                    FailureClass.INVALID,
                    f"the payment is in {payment.currency}; amounts must be in it too",
                    requested=requested,
                )
            return _movement_refusal(command, payment, requested)
        case _:
            raise AssertionError("every payment command has a case above")


def _create_refusal(command: CreatePayment, payment: Payment) -> Refuse | None:
    if payment.stage == "new":
        return None
    if payment.stage == "unsettled":
        return _state(Reason.PAYMENT_UNSETTLED, "an earlier creation's outcome is unknown", command.paid_price)
    return _state(Reason.PAYMENT_EXISTS, "this payment_id has been created already; use a new one", command.paid_price)


def _completion_refusal(command: CompleteThreeDSecure, payment: Payment, *, awaits_completion: bool) -> Refuse | None:
    """Only what waits for the payer can be completed, once, and where it was begun."""
    requested = amount_of(command, payment)
    match payment.stage:
        case "new" if payment.integration_id is None:
            return _missing(payment)
        case "new":
            return _state(Reason.INVALID_STATE, "nothing waits to be completed: the payment is over; start it anew")
        case "unsettled":
            return _state(Reason.PAYMENT_UNSETTLED, _UNSETTLED, requested)
        case "cancelled":
            return _state(Reason.PAYMENT_ALREADY_CANCELLED, "the payment is cancelled; nothing is left to complete")
        case "authorized" | "captured":
            return _state(Reason.INVALID_STATE, f"the payment is {payment.stage}; nothing is left to complete")
        case "pending":
            return _start_refusal(command, payment, requested, awaits_completion=awaits_completion)
        case _:
            assert_never(payment.stage)


def _start_refusal(
    command: CompleteThreeDSecure, payment: Payment, requested: Money | None, *, awaits_completion: bool
) -> Refuse | None:
    start = payment.open_creation
    if start is None or not (awaits_completion or start.command_type == StartThreeDSecure.type):
        detail = "the payment was not started with 3-D Secure: it completes itself, and a query tells how it stands"
        return _state(Reason.INVALID_STATE, detail, requested)
    if any(known.command_type == command.type for known in payment.open_commands):
        detail = "the provider has taken a completion and not decided yet; query the payment"
        return _state(Reason.PAYMENT_UNSETTLED, detail, requested)
    if command.integration_id not in {None, payment.integration_id}:
        # What was brought back was made for another account, or by it.
        detail = f"the payment was started at {payment.integration_id}; what came back is for another integration"
        return Refuse(Reason.INVALID_REQUEST, FailureClass.INVALID, detail, requested=requested)
    return None


def _movement_refusal(
    command: CapturePayment | ReauthorizePayment | CancelPayment | RefundPayment | ApproveLine | TransferShare,
    payment: Payment,
    requested: Money | None,
) -> Refuse | None:
    if payment.stage == "cancelled" and not payment.refundable:  # unless money came after it
        return _state(Reason.PAYMENT_ALREADY_CANCELLED, "the payment is cancelled; nothing is left to move", requested)
    match command:
        case CapturePayment() | ReauthorizePayment() if payment.stage != "authorized":
            return _state(Reason.NOT_AUTHORIZED, f"nothing is held: the payment is {payment.stage}", requested)
        case ReauthorizePayment():
            return None
        case CapturePayment():
            return _above(requested, payment.held, Reason.AMOUNT_EXCEEDS_AUTHORIZED, "held")
        case CancelPayment():
            if payment.stage == "pending" or payment.held:
                return None
            if payment.refundable:
                return _dispute_refusal(payment, requested)
            return _state(Reason.NOTHING_CAPTURED, "all of it has been given back already", requested)
        case RefundPayment():
            if payment.captured == 0:
                return _state(Reason.NOTHING_CAPTURED, f"nothing was taken: the payment is {payment.stage}", requested)
            over = _above(requested, payment.refundable, Reason.AMOUNT_EXCEEDS_CAPTURED, "captured and not refunded")
            return _line_refusal(command, payment, requested) or _dispute_refusal(payment, requested) or over
        case ApproveLine() | TransferShare() if payment.stage != "captured":
            return _state(Reason.NOTHING_CAPTURED, f"nothing was taken: the payment is {payment.stage}", requested)
        case ApproveLine():
            return _unknown_line(requested) if payment.line_refundable(command.line_id) is None else None
        case TransferShare():
            what = "captured, not refunded and not transferred"
            return _above(requested, payment.transferable, Reason.AMOUNT_EXCEEDS_CAPTURED, what)
        case _:
            assert_never(command)


def _dispute_refusal(payment: Payment, requested: Money | None) -> Refuse | None:
    """What a dispute took went to the payer already: given back as well, it would be gone twice."""
    wanted = 0 if requested is None else requested.minor
    if payment.undisputed == payment.refundable or wanted > payment.refundable or 0 < wanted <= payment.undisputed:
        return None
    left = _money(payment, payment.undisputed)
    detail = f"a dispute took the rest of it already; {left} is left that can be given back"
    return _state(Reason.PAYMENT_DISPUTED, detail, requested)


def _line_refusal(command: RefundPayment, payment: Payment, requested: Money | None) -> Refuse | None:
    if command.line_id is None:
        return None
    left = payment.line_refundable(command.line_id)
    if left is None:
        return _unknown_line(requested)
    return _above(requested, left, Reason.AMOUNT_EXCEEDS_CAPTURED, "left of this line")


def _unknown_line(requested: Money | None) -> Refuse:
    return Refuse(Reason.UNKNOWN_LINE, FailureClass.INVALID, "line_id is no line of this payment", requested=requested)


def _above(requested: Money | None, limit: int, reason: Reason, what: str) -> Refuse | None:
    if requested is None or requested.minor == 0:
        return Refuse(reason, FailureClass.STATE, f"nothing is {what}", requested=requested)
    if requested.minor > limit:
        return Refuse(
            reason, FailureClass.STATE, f"amount is above the {requested.with_minor(limit)} {what}", requested=requested
        )
    return None


def _missing(payment: Payment) -> Refuse:
    return _state(Reason.PAYMENT_NOT_FOUND, f"no payment {payment.payment_id} was created here")


def _state(reason: Reason, detail: str, requested: Money | None = None) -> Refuse:
    return Refuse(reason, FailureClass.STATE, detail, requested=requested)


def _money(payment: Payment, minor: int) -> Money | None:
    return None if payment.currency is None else Money(minor=minor, currency=payment.currency)


def _may_resend(claim: Claim, attempt: SentAttempt, promise: Promise | None) -> bool:
    """The provider's promise counts from the first send; absence means something only long after the last one."""
    if promise is None or claim.sent_age_s is None:
        return False
    if promise.repeatable_for_s is not None and claim.sent_age_s < promise.repeatable_for_s - RESEND_MARGIN_S:
        return True
    return promise.resend_after_absence_s is not None and attempt.sent_age_s >= promise.resend_after_absence_s


def _patience(wait_s: float | None) -> float:
    """How long to leave a held key alone: until its lease ends, but look again every few seconds."""
    return 0.5 if wait_s is None else min(max(wait_s, 0.05), 5.0)
