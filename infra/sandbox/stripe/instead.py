"""Answers of Stripe's own that an ordered fault brings in the place of the operation's."""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from infra.sandbox.stripe.faults import Fault, FaultKind
from infra.sandbox.stripe.idempotency import in_use
from infra.sandbox.stripe.limits import locked, too_many
from infra.sandbox.stripe.refusing import Refused, api_error


def _dependency() -> Refused:
    message = "The request could not be completed due to a failure in a dependency external to Stripe."
    return Refused(message, status=HTTPStatus.FAILED_DEPENDENCY, executed=False)


def _come_again() -> Refused:
    return Refused(
        "An error occurred; the request may be sent again.",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        kind="api_error",
        executed=False,
        headers={"Stripe-Should-Retry": "true"},
    )


_INSTEAD: Final[Mapping[FaultKind, Callable[[], Refused]]] = MappingProxyType(
    {
        FaultKind.GLOBAL_RATE: partial(too_many, "global-rate"),
        FaultKind.ENDPOINT_RATE: partial(too_many, "endpoint-rate"),
        FaultKind.GLOBAL_CONCURRENCY: partial(too_many, "global-concurrency"),
        FaultKind.ENDPOINT_CONCURRENCY: partial(too_many, "endpoint-concurrency"),
        FaultKind.RESOURCE_SPECIFIC: partial(too_many, "resource-specific"),
        FaultKind.LOCK_TIMEOUT: locked,
        FaultKind.KEY_IN_USE: in_use,
        FaultKind.DEPENDENCY: _dependency,
        FaultKind.API_ERROR_BEFORE: api_error,
        FaultKind.SHOULD_RETRY: _come_again,
    }
)


def instead_of(fault: Fault | None) -> Refused | None:
    """What is answered without the operation; `None` where it is performed."""
    made = None if fault is None else _INSTEAD.get(fault.kind)
    return None if made is None else made()


def replaced(fault: Fault | None) -> Refused | None:
    """What is answered after the operation in its answer's place."""
    return api_error() if fault is not None and fault.kind is FaultKind.API_ERROR_AFTER else None
