"""The faults that can be ordered here: those of any server, and Stripe's own turns."""

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
    GLOBAL_RATE = "global_rate"  # 429 with its reason; not performed, not kept
    ENDPOINT_RATE = "endpoint_rate"
    GLOBAL_CONCURRENCY = "global_concurrency"
    ENDPOINT_CONCURRENCY = "endpoint_concurrency"
    RESOURCE_SPECIFIC = "resource_specific"
    LOCK_TIMEOUT = "lock_timeout"  # 429 without a reason; not performed, not kept
    KEY_IN_USE = "key_in_use"  # 409 as if the key's first request still ran
    DEPENDENCY = "failed_dependency"  # 424; not performed, not kept
    API_ERROR_BEFORE = "api_error_before"  # 500 as Stripe words it; not performed, and kept under the key
    API_ERROR_AFTER = "api_error_after"  # performed, and the 500 is kept under the key
    SHOULD_RETRY = "should_retry"  # 500 with Stripe-Should-Retry: true; not performed, not kept
    PROCESSING_SUCCESS = "processing_success"  # a payment undecided, and paid after `seconds`
    PROCESSING_FAILED = "processing_failed"  # and declined after `seconds`
    REFUND_PENDING = "refund_pending"  # a refund undecided, and made after `seconds`
    REFUND_FAILED = "refund_failed"  # a refund that seems made, and fails after `seconds`
    DECLINE_GENERIC = "decline_generic_decline"  # declined with this code, as with the next ones
    DECLINE_FUNDS = "decline_insufficient_funds"
    DECLINE_HONOR = "decline_do_not_honor"
    DECLINE_LOST = "decline_lost_card"
    DECLINE_EXPIRED = "decline_expired_card"
    DECLINE_FRAUD = "decline_fraudulent"
    DECLINE_LATER = "decline_try_again_later"
    DECLINE_ERROR = "decline_processing_error"
    DECLINE_AUTHENTICATION = "decline_authentication_required"

    @property
    def decline_code(self) -> str | None:
        """Of a charge's decline."""
        return self.value.removeprefix("decline_") if self.value.startswith("decline_") else None


Fault: TypeAlias = fault_orders.Fault[FaultKind]
FaultOrder: TypeAlias = fault_orders.FaultOrder[FaultKind]
FaultPlan: TypeAlias = fault_orders.FaultPlan[FaultKind]

FAULTS: Final = FaultReader(FaultKind, marked_in="metadata[order_id]'s")

parse_fault = FAULTS.parse
