"""Stripe's units of currencies against ISO 4217's, and what a health check makes of a key."""

from decimal import Decimal
from typing import Any

import pytest

from providers.connector import Answer
from providers.diagnosis import Cause
from providers.outcome import UnusableAnswer
from providers.payments.stripe.amounts import from_wire
from providers.payments.stripe.health import read_health


@pytest.mark.parametrize(
    ("amount", "currency", "major"),
    [
        (1250, "try", "12.50"),
        (1099, "eur", "10.99"),
        (500, "jpy", "500"),
        (500, "isk", "5"),
        (500, "ugx", "5"),
        (500, "mga", "500"),
        (5120, "kwd", "5.120"),
        (1200, "huf", "12.00"),
        (0, "usd", "0.00"),
    ],
)
def test_an_amount_is_read_in_stripes_own_unit(amount: int, currency: str, major: str) -> None:
    assert from_wire(amount, currency, "amount").major == Decimal(major)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        (None, "try"),
        (-1250, "try"),
        (1250, None),
        (1250, "TRY"),
        (1250, "trı"),
        (1250, "xyz"),
        (1, "isk"),
        (10**30, "try"),
    ],
)
def test_what_is_no_amount_of_a_currency_is_none(amount: int | None, currency: str | None) -> None:
    with pytest.raises(UnusableAnswer):
        from_wire(amount, currency, "amount")


@pytest.mark.parametrize(
    ("status", "body", "environment", "cause"),
    [
        (200, {"object": "balance", "livemode": False}, "sandbox", None),
        (200, {"object": "balance", "livemode": True}, "production", None),
        (200, {"object": "balance", "livemode": True}, "sandbox", Cause.WRONG_ENVIRONMENT),
        (200, {"object": "balance", "livemode": False}, "production", Cause.WRONG_ENVIRONMENT),
        (401, {"error": {"type": "invalid_request_error", "code": "api_key_expired"}}, "sandbox", Cause.WRONG_KEY),
        (429, {"error": {"type": "invalid_request_error", "code": "rate_limit"}}, "sandbox", Cause.THROTTLED),
        (200, {"object": "balance"}, "sandbox", Cause.OTHER),
        (200, None, "sandbox", Cause.OTHER),
    ],
)
def test_a_health_check_tells_what_is_wrong(status: int, body: Any, environment: str, cause: Cause | None) -> None:
    trouble = read_health(Answer(status, {}, b"", body), environment, {})
    assert (None if trouble is None else trouble.cause) == cause
