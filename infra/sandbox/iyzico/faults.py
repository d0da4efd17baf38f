"""The faults that can be ordered here: those of any server, and iyzico's own answers."""

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
    LIMIT = "50000"  # not performed; the envelope of a crossed limit
    BANK_TIMEOUT = "10219"  # performed, and answered as a timeout of the bank
    BANK_TIMEOUT_BEFORE = "10219_before"  # not performed, the same answer
    REVIEW_APPROVE = "review_approve"  # fraudStatus 0, after `seconds` 1 (payments only)
    REVIEW_REJECT = "review_reject"  # fraudStatus 0, after `seconds` -1 (payments only)


Fault: TypeAlias = fault_orders.Fault[FaultKind]
FaultOrder: TypeAlias = fault_orders.FaultOrder[FaultKind]
FaultPlan: TypeAlias = fault_orders.FaultPlan[FaultKind]

FAULTS: Final = FaultReader(FaultKind, marked_in="basketId")

parse_fault = FAULTS.parse
