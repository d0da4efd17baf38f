"""What to do with a command, decided on values alone: no clock, no I/O."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from agents.ledger import Claim, ClaimStatus, SentAttempt
from agents.payments.decisions import (
    Answer,
    Call,
    Conflict,
    Decision,
    Inquire,
    Lying,
    Promise,
    Queue,
    Refuse,
    TooOld,
    Wait,
)
from agents.payments.refusals import amount_of, refusal_of
from schemas.money import Money
from schemas.payments import Payment, PaymentCommand, Reason
from schemas.verdicts import FailureClass

RESEND_MARGIN_S = 60.0
"""A repeatable request is not sent again in the last minute of the provider's promise: clocks differ."""


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
