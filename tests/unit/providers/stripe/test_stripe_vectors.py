"""Stripe's error table and currencies, row by row, against what the connector makes of them."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from providers.connector import Unsayable
from providers.outcome import Outcome
from providers.payments.stripe.amounts import from_wire, stripe_exponent, to_wire
from schemas.errors import HubError, OutcomeUnknown, Throttled
from schemas.money import Money, exponent
from schemas.payments import CreatePayment, Reason
from schemas.verdicts import FailureClass, Verdict
from tests.stripe_calls import an_error, judged

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "stripe.json").read_text())
CLASSES = {
    "declined": {FailureClass.DECLINED},
    "authentication_required": {FailureClass.DECLINED},
    # Some of these speak of a state that a look-up explains.
    "invalid_request": {FailureClass.INVALID, FailureClass.STATE},
    "config_error": {FailureClass.CONFIGURATION},
}
ROWS = [
    pytest.param(row, decline, id=f"{row['name']} {decline or ''}".strip())
    for row in VECTORS["errors"]
    for decline in row.get("decline_codes", [None])
]


def _answered(row: dict[str, Any], decline: str | None) -> Outcome | HubError:
    body = an_error(
        row["code"], row["type"] or "invalid_request_error", **({"decline_code": decline} if decline else {})
    )
    try:
        outcome = judged(CreatePayment, body, row["http"])
    except HubError as error:
        return error
    assert isinstance(outcome, Outcome)
    return outcome


@pytest.mark.parametrize(("row", "decline"), ROWS)
def test_an_error_is_of_its_class(row: dict[str, Any], decline: str | None) -> None:
    found = _answered(row, decline)
    match row["class"]:
        case "rate_limited":
            assert isinstance(found, Throttled)
        case "transient_retryable" if row["http"] == 429:
            assert isinstance(found, Throttled)
        case "transient_retryable" | "unknown_outcome":
            # The same is sent again under the same key once it was asked about.
            assert isinstance(found, OutcomeUnknown)
        case known:
            assert isinstance(found, Outcome)
            assert (found.verdict, found.failure in CLASSES[known]) == (Verdict.REFUSED, True)
            assert (found.reason is Reason.AUTHENTICATION_REQUIRED) == (known == "authentication_required")
            assert found.their_code == (decline or row["code"] or row["type"])


@pytest.mark.parametrize(("row", "decline"), ROWS)
def test_what_is_never_to_be_tried_again_says_so(row: dict[str, Any], decline: str | None) -> None:
    found = _answered(row, decline)
    assert ("never" in getattr(found, "detail", "")) == (row["retry"] == "never_again_with_this_card")


@pytest.mark.parametrize("row", VECTORS["currencies"], ids=lambda row: row["name"])
def test_a_currency_goes_out_and_comes_back_in_stripes_unit(row: dict[str, Any]) -> None:
    code = row["name"]
    assert (stripe_exponent(code), exponent(code)) == (row["stripe_exponent"], row["iso_exponent"])
    whole = Money.from_major(Decimal(7), code)
    assert to_wire(whole) == str(7 * 10 ** row["stripe_exponent"])
    assert int(to_wire(whole)) % row["multiple_of"] == 0
    assert from_wire(int(to_wire(whole)), code.lower(), "amount") == whole


@pytest.mark.parametrize("row", VECTORS["conversions"], ids=lambda row: row["name"])
def test_a_published_conversion_is_ours(row: dict[str, Any]) -> None:
    money = Money.parse(row["major"], row["currency"])
    if row["stripe"] is None:
        with pytest.raises(Unsayable) as unsayable:
            to_wire(money)
        assert unsayable.value.reason is Reason.INVALID_AMOUNT
    else:
        assert to_wire(money) == str(row["stripe"])


@pytest.mark.parametrize(("major", "currency"), [("10.50", "MGA"), ("0.001", "KWD"), ("5.124", "TND")])
def test_what_stripe_cannot_say_is_not_rounded(major: str, currency: str) -> None:
    with pytest.raises(Unsayable):
        to_wire(Money.parse(major, currency))
