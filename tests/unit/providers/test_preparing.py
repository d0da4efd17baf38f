"""What a request's digest stands for: the very same request, its key included, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from providers.connector import Request
from providers.payments.stripe import CONNECTOR
from providers.preparing import prepare
from schemas.errors import NotSent
from schemas.payments import CapturePayment, Reason
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


@pytest.mark.parametrize(
    ("key", "environment", "is_sent"),
    [
        ("sk_live_1", "production", True),
        ("rk_test_1", "sandbox", True),
        ("sk_test_1", "production", False),
        ("rk_live_1", "sandbox", False),
        ("a-key-that-tells-nothing", "production", True),
    ],
)
def test_nothing_is_sent_with_a_key_of_the_other_environment(key: str, environment: str, *, is_sent: bool) -> None:
    assert CAPTURE is not None
    account = an_integration(CONNECTOR)
    secrets = {**account.credentials, "secret_key": SecretStr(key)}
    there = replace(account, environment=environment, credentials=secrets)
    attempt = attempt_for(CONNECTOR, CAPTURE)
    if is_sent:
        prepare(there, CAPTURE, a_command(CapturePayment), attempt)
        return
    with pytest.raises(NotSent) as refused:
        prepare(there, CAPTURE, a_command(CapturePayment), attempt)
    assert refused.value.reason == Reason.CONFIGURATION
    assert key not in str(refused.value)


def test_a_path_does_not_print_since_it_names_a_card_or_a_payment() -> None:
    shown = repr(Request("GET", "/v1/payment_methods/pm_1", template="/v1/payment_methods/{payment_method}"))
    assert "pm_1" not in shown
    assert "/v1/payment_methods/{payment_method}" in shown
