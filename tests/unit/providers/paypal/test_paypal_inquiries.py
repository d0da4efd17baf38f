"""What an order tells of the attempt that is asked about, and of those before it."""

from collections.abc import Sequence
from typing import Any, Final

import pytest

from providers.connector import Attempt
from providers.outcome import Finding, ProviderState, Sighting
from providers.payments.paypal import CONNECTOR
from providers.payments.paypal.order import OrderReply
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    QueryPayment,
    ReauthorizePayment,
)
from schemas.payments.vocabulary import Command
from tests.conformance.samples import a_command
from tests.paypal_requests import MOVEMENT, ORDER, known, waiting

HELD: Final = known("held", "authorization")


def a_movement(name: str, status: str) -> dict[str, Any]:
    return {"id": name, "status": status, "amount": {"currency_code": "EUR", "value": "12.50"}}


def an_order(
    status: str = "COMPLETED", *, holds: Sequence[tuple[str, str]] = (), captures: Sequence[tuple[str, str]] = ()
) -> OrderReply:
    payments = {
        "authorizations": [a_movement(*one) for one in holds],
        "captures": [a_movement(*one) for one in captures],
    }
    intent = "AUTHORIZE" if holds else "CAPTURE"
    units = [{"payments": payments}]
    return OrderReply.model_validate({"id": ORDER, "status": status, "intent": intent, "purchase_units": units})


def asked(kind: type[Command], order: OrderReply, attempt: Attempt = HELD) -> Finding:
    operation = CONNECTOR.operation_for(kind)
    assert operation is not None
    assert operation.inquiry is not None
    return operation.inquiry.read(order, a_command(kind), attempt)


@pytest.mark.parametrize("kind", [CapturePayment, CancelPayment])
def test_an_earlier_capture_that_was_declined_is_not_taken_for_the_end_of_what_may_be_under_way(
    kind: type[Command],
) -> None:
    order = an_order(holds=[(MOVEMENT, "CREATED")], captures=[("C1", "DECLINED")])
    assert asked(kind, order).sighting is Sighting.ABSENT


def test_a_hold_stands_after_a_capture_that_was_declined() -> None:
    operation = CONNECTOR.operation_for(QueryPayment)
    assert operation is not None
    order = an_order(holds=[(MOVEMENT, "CREATED")], captures=[("C1", "DECLINED")])
    found = operation.read(order, a_command(QueryPayment), HELD)
    assert (found.state, [one.provider_reference for one in found.lines]) == (ProviderState.AUTHORIZED, [MOVEMENT])


def test_a_capture_that_came_to_nothing_once_the_hold_was_used_up_is_refused() -> None:
    order = an_order(holds=[(MOVEMENT, "CAPTURED")], captures=[("C1", "DECLINED")])
    found = asked(CapturePayment, order)
    assert found.sighting is Sighting.CONCLUDED
    assert found.outcome is not None
    assert found.outcome.state is ProviderState.FAILED


def test_a_decline_in_an_order_that_is_still_open_does_not_end_a_later_completion() -> None:
    order = an_order("APPROVED", captures=[("C1", "DECLINED")])
    assert asked(CompleteThreeDSecure, order, waiting("auto")).sighting is Sighting.ABSENT


@pytest.mark.parametrize(
    ("holds", "renewed"),
    [
        ([("A0", "CREATED"), (MOVEMENT, "CREATED")], None),
        ([("A0", "CREATED")], None),
        ([("A0", "CREATED"), (MOVEMENT, "CREATED"), ("A2", "CREATED")], "A2"),
        ([(MOVEMENT, "CREATED"), ("A2", "VOIDED")], None),
    ],
)
def test_only_a_hold_after_the_known_one_is_its_renewal(holds: list[tuple[str, str]], renewed: str | None) -> None:
    found = asked(ReauthorizePayment, an_order(holds=holds))
    named = None if found.outcome is None else found.outcome.lines[0].provider_reference
    assert (found.sighting is Sighting.CONCLUDED, named) == (renewed is not None, renewed)
