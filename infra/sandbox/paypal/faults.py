"""The faults that can be ordered here: those of any server, and PayPal's own turns of a payment or refund."""

from enum import StrEnum
from typing import Final, TypeAlias

from infra.sandbox import fault_orders
from infra.sandbox.fault_orders import FaultReader
from infra.sandbox.misbehaving import HttpFault


class FaultKind(StrEnum):
    """The first ones are any server's, under the same names; the others are answers."""

    LATE = HttpFault.LATE
    NEVER = HttpFault.NEVER
    PERFORM_LATE = HttpFault.PERFORM_LATE
    ERROR_BEFORE = HttpFault.ERROR_BEFORE
    ERROR_AFTER = HttpFault.ERROR_AFTER
    RESET_BEFORE = HttpFault.RESET_BEFORE
    RESET_AFTER = HttpFault.RESET_AFTER
    GARBAGE = HttpFault.GARBAGE
    TRUNCATED = HttpFault.TRUNCATED
    EMPTY = HttpFault.EMPTY
    TOO_MANY = HttpFault.TOO_MANY
    SLOW = "slow"  # performed after `seconds`, then answered; the same request id meanwhile gets 409
    IN_PROGRESS = "in_progress"  # not performed; 409 PREVIOUS_REQUEST_IN_PROGRESS
    INTERNAL = "internal_error"  # performed; 500 INTERNAL_SERVER_ERROR
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 -- a word; not performed; 401, and the call's token counts no more
    NOT_APPROVED = "not_approved"  # 422 ORDER_NOT_APPROVED, though the payer has agreed
    PAYER_ACTION = "payer_action"  # 422 PAYER_ACTION_REQUIRED: the payer has to go to the page once more
    INSTRUMENT_DECLINED = "instrument_declined"  # 422, and the payer may choose another way to pay
    PAYMENT_DENIED = "payment_denied"  # 422 with an issue that no published list has
    COMPLETION_RUNNING = "completion_in_progress"  # performed; 422 ORDER_COMPLETION_IN_PROGRESS
    DECLINED = "declined"  # the movement is DECLINED, or DENIED, inside a success
    ECHECK = "echeck"  # the capture is PENDING, and completed after `seconds`
    ECHECK_DECLINED = "echeck_declined"  # the capture is PENDING, and declined after `seconds`
    REVIEW = "review"  # the movement is PENDING for a review, and goes through after `seconds`
    REFUND_PENDING = "refund_pending"  # the refund is PENDING, and completed after `seconds`
    REFUND_FAILED = "refund_failed"  # the refund is PENDING, and fails after `seconds`
    NO_FUNDS = "refund_no_funds"  # 422 REFUND_FAILED_INSUFFICIENT_FUNDS


Fault: TypeAlias = fault_orders.Fault[FaultKind]
FaultOrder: TypeAlias = fault_orders.FaultOrder[FaultKind]
FaultPlan: TypeAlias = fault_orders.FaultPlan[FaultKind]

FAULTS: Final = FaultReader(FaultKind, marked_in="the first purchase unit's description as a")

parse_fault = FAULTS.parse
