"""The faults that can be ordered here. Ordering is shared; `server.py` acts on what is drawn."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from infra.sandbox import fault_orders


class FaultKind(StrEnum):
    """What happens. Unless it says otherwise, the call is performed and stands in the books."""

    LATE = "late"  # performed at once, answered after `seconds`
    NEVER = "never"  # performed at once, never answered; the connection stays open until the client leaves
    PERFORM_LATE = "perform_late"  # performed after `seconds`, never answered
    ERROR_BEFORE = "500_before"  # not performed
    ERROR_AFTER = "500_after"
    RESET_BEFORE = "reset_before"  # not performed
    RESET_AFTER = "reset_after"
    GARBAGE = "garbage"  # 200 with an HTML page
    TRUNCATED = "truncated"  # 200 with the first half of the JSON
    EMPTY = "empty"  # 200 with no body
    TOO_MANY = "429"  # not performed; HTTP 429 with Retry-After
    LIMIT = "50000"  # not performed; the envelope of a crossed limit
    BANK_TIMEOUT = "10219"  # performed, and answered as a timeout of the bank
    BANK_TIMEOUT_BEFORE = "10219_before"  # not performed, the same answer
    REVIEW_APPROVE = "review_approve"  # fraudStatus 0, after `seconds` 1 (payments only)
    REVIEW_REJECT = "review_reject"  # fraudStatus 0, after `seconds` -1 (payments only)


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


def marked_fault(basket_id: object) -> Fault | None:
    """The fault that a basketId such as `fault-never-basket7` or `fault-late-2.5s-basket7` orders for its creation.

    Raises:
        ValueError: the marker names a kind that does not exist.
    """
    return fault_orders.marked_fault(basket_id, FaultKind, where="basketId")
