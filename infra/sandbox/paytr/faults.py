"""The faults that can be ordered here: those of any server, and PayTR's own turns of a payment or refund."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from infra.sandbox import fault_orders
from infra.sandbox.misbehaving import HttpFault


class FaultKind(StrEnum):
    """The first ones are `HttpFault`'s, under the same names; the others are answers."""

    LATE = "late"
    NEVER = "never"
    PERFORM_LATE = "perform_late"
    ERROR_BEFORE = "500_before"
    ERROR_AFTER = "500_after"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    GARBAGE = "garbage"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    TOO_MANY = "429"
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
    def at_the_socket(self) -> HttpFault | None:
        return HttpFault(self.value) if self.value in list(HttpFault) else None

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


def parse_fault(text: str) -> FaultOrder:
    """An order as the command line gives it.

    Raises:
        ValueError: saying which part is wrong and what may stand there.
    """
    return fault_orders.parse_fault(text, FaultKind)


def fault_from(values: Mapping[str, str]) -> FaultOrder:
    """An order from texts by name.

    Raises:
        ValueError: saying which value is wrong.
    """
    return fault_orders.fault_from(values, FaultKind)


def marked_fault(name: object) -> Fault | None:
    """The fault that the name of a basket's first line orders for its payment.

    Raises:
        ValueError: the marker names a kind that does not exist.
    """
    return fault_orders.marked_fault(name, FaultKind, where="the first line's")
