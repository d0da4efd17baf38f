"""What a request's digest stands for: the very same request, its key included, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from providers.connector import Request
from providers.payments.stripe import CONNECTOR
from providers.preparing import prepare
from schemas.payments import CapturePayment
from tests.conformance.samples import a_command, an_integration, attempt_for

CAPTURE = CONNECTOR.operation_for(CapturePayment)


def _digest(**changed: Any) -> str:
    assert CAPTURE is not None
    build = CAPTURE.build
    operation = replace(CAPTURE, build=lambda command, attempt: replace(build(command, attempt), **changed))
    connector = replace(CONNECTOR, operations=(operation,))
    attempt = attempt_for(connector, operation)
    return prepare(an_integration(connector), operation, a_command(CapturePayment), attempt).digest


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "PUT"},
        {"path": "/elsewhere"},
        {"body": b"amount=1"},
        {"query": (("amount", "1"),)},
        {"headers": (("Idempotency-Key", "another"),)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_request_with_another_part_is_no_repetition(changed: dict[str, Any]) -> None:
    assert _digest() == _digest()
    assert _digest(**changed) != _digest()


def test_a_path_does_not_print_since_it_names_a_card_or_a_payment() -> None:
    shown = repr(Request("GET", "/v1/payment_methods/pm_1", template="/v1/payment_methods/{payment_method}"))
    assert "pm_1" not in shown
    assert "/v1/payment_methods/{payment_method}" in shown
