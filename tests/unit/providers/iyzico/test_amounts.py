import locale
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.connector import Unsayable
from providers.outcome import UnusableAnswer
from providers.payments.iyzico.amounts import CURRENCIES, canonical, from_wire, rounded_down, rounded_half_up, to_wire
from schemas.money import INT64_MAX, Money, exponent
from tests.builders import lira


@given(minor=st.integers(0, INT64_MAX), currency=st.sampled_from(CURRENCIES))
def test_an_amount_comes_back_as_it_went_out(minor: int, currency: str) -> None:
    money = Money(minor=minor, currency=currency)
    text = to_wire(money)
    assert from_wire(Decimal(text), currency, "price") == money
    # iyzico adds zeros, up to eight decimals, and takes them away again.
    assert from_wire(Decimal(text + "000000"), currency, "price") == money
    assert from_wire(Decimal(canonical(text)), currency, "price") == money


@given(minor=st.integers(1, INT64_MAX), currency=st.sampled_from(CURRENCIES))
def test_an_amount_is_text_with_a_dot_and_no_exponent(minor: int, currency: str) -> None:
    whole, dot, decimals = to_wire(Money(minor=minor, currency=currency)).partition(".")
    assert whole.isdigit()
    assert dot == "."
    assert len(decimals) == exponent(currency)
    assert decimals.isdigit()


@given(st.decimals(min_value=0, max_value=10**12, places=8))
def test_the_signed_form_is_the_same_number(amount: Decimal) -> None:
    text = canonical(amount)
    assert Decimal(text) == amount
    assert "E" not in text
    assert not ("." in text and text.endswith(("0", ".")))


@pytest.mark.parametrize(
    ("text", "currency"),
    [("12.345", "TRY"), ("1", "XTS"), ("1", "lira"), ("1e30", "TRY")],  # the second: ISO 4217's code for tests
)
def test_what_is_no_amount_is_unusable(text: str, currency: str) -> None:
    with pytest.raises(UnusableAnswer):
        from_wire(Decimal(text), currency, "price")


def test_a_missing_amount_is_never_nothing() -> None:
    for amount, currency in ((None, "TRY"), (Decimal(1), None)):
        with pytest.raises(UnusableAnswer, match="missing"):
            from_wire(amount, currency, "paidPrice")


@pytest.mark.parametrize("currency", ["JPY", "KWD", "SEK"])
def test_a_currency_that_iyzico_does_not_take_cannot_be_said(currency: str) -> None:
    with pytest.raises(Unsayable, match="TRY, USD"):
        to_wire(Money(minor=100, currency=currency))


def test_a_line_is_rounded_down_and_a_fee_to_the_nearest() -> None:
    assert rounded_down(Decimal("3.66999999"), "TRY").minor == 366
    assert rounded_half_up(Decimal("0.62375000"), "TRY").minor == 62
    assert rounded_half_up(Decimal("0.625"), "TRY").minor == 63


@pytest.fixture(params=["tr_TR.UTF-8", "C.UTF-8"])
def process_locale(request: pytest.FixtureRequest) -> Iterator[str]:
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, request.param)
    except locale.Error:
        # The machine does not have it; what is tested holds in the one that it has.
        locale.setlocale(locale.LC_ALL, "")
    yield request.param
    locale.setlocale(locale.LC_ALL, before)


def test_the_processs_locale_changes_nothing(process_locale: str) -> None:
    assert process_locale
    assert to_wire(lira("1234567.50")) == "1234567.50"
