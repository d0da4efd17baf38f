"""The faults that can be ordered here: those of any server, and PayTR's own turns of a payment or refund."""

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
    WAIT_SUCCESS = "wait_success"  # undecided, and paid after `seconds`
    WAIT_FAILED = "wait_failed"  # undecided, and failed after `seconds`
    BUSY = "busy"  # refused while another payment of the buyer runs; may be tried again
    DECLINE_0 = "decline_0"  # failed with this reason code, as are the next ones
    DECLINE_1 = "decline_1"
    DECLINE_2 = "decline_2"
    DECLINE_3 = "decline_3"
    DECLINE_6 = "decline_6"
    DECLINE_8 = "decline_8"
    DECLINE_9 = "decline_9"
    DECLINE_10 = "decline_10"
    DECLINE_11 = "decline_11"
    DECLINE_99 = "decline_99"
    LOCKED = "err_000"  # a refund is refused with this number, as with the next ones
    NOT_REFUNDABLE = "err_008"
    LOW_BALANCE = "err_010"

    @property
    def reason_code(self) -> str | None:
        """Of a payment's failure."""
        return self.value.removeprefix("decline_") if self.value.startswith("decline_") else None

    @property
    def err_no(self) -> str | None:
        """Of a refund's refusal."""
        return self.value.removeprefix("err_") if self.value.startswith("err_") else None


Fault: TypeAlias = fault_orders.Fault[FaultKind]
FaultOrder: TypeAlias = fault_orders.FaultOrder[FaultKind]
FaultPlan: TypeAlias = fault_orders.FaultPlan[FaultKind]

FAULTS: Final = FaultReader(FaultKind, marked_in="the first line's")

parse_fault = FAULTS.parse
