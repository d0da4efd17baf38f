from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency
from pydantic import ValidationError

from schemas.money import INT64_MAX, Money, Price, Share, exponent

PAYABLE = sorted(currency.code for currency in Currency if currency.exponent is not None)
minors = st.integers(-INT64_MAX, INT64_MAX)


@given(st.sampled_from(PAYABLE), minors)
def test_money_round_trips_in_every_currency(currency: str, minor: int) -> None:
    money = Money(minor=minor, currency=currency)
    assert Money.from_major(money.major, currency) == money
    assert Money.parse(f"{money.major:f}", currency) == money
    assert str(money) == f"{money.major:f} {currency}"
    assert Money.model_validate_json(money.model_dump_json()) == money


@pytest.mark.parametrize("currency", PAYABLE)
def test_the_bounds_and_one_unit_round_trip_in_each_currency(currency: str) -> None:
    for minor in (0, 1, 5800, INT64_MAX, -INT64_MAX):
        assert Money.parse(f"{Money(minor=minor, currency=currency).major:f}", currency).minor == minor


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1000, "KWD", "1.000 KWD"), (1000, "EUR", "10.00 EUR"), (10, "JPY", "10 JPY"), (-5, "TRY", "-0.05 TRY")],
)
def test_it_shows_as_many_decimals_as_the_currency_has(minor: int, currency: str, text: str) -> None:
    assert str(Money(minor=minor, currency=currency)) == text


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("10.50", "TRY", 1050),
        ("10.500", "TRY", 1050),
        ("10.00", "JPY", 10),
        ("1.234", "KWD", 1234),
        ("0", "TRY", 0),
        ("-3.10", "EUR", -310),
        ("0012.50", "TRY", 1250),
        ("92233720368547758.07", "TRY", INT64_MAX),
    ],
)
def test_a_plain_decimal_is_read_exactly(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor=minor, currency=currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [("10.50", "JPY"), ("1.2345", "KWD"), ("1.234", "TRY"), ("1.000000000000000000000000000000001", "TRY")],
)
def test_more_decimals_than_the_currency_has_are_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match="decimals"):
        Money.parse(text, currency)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 12",
        "12,50",
        "1.234,56",
        "1,234.56",
        "1e3",
        "1_000",
        "NaN",
        "Infinity",
        ".5",
        "5.",
        "0x10",
        "١٢",
        "\uff11\uff12",
        "--1",
    ],
)
def test_what_is_no_plain_decimal_is_refused_whatever_the_locale(text: str) -> None:
    with pytest.raises(ValueError, match="not a decimal number with a dot"):
        Money.parse(text, "TRY")


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "1e999999999", "1e-999999999", "9" * 101])
def test_an_amount_that_is_no_reasonable_number_is_refused_at_once(amount: str) -> None:
    with pytest.raises(ValueError, match="finite number of reasonable length"):
        Money.from_major(Decimal(amount), "TRY")


# The third to the fifth are codes of ISO 4217 that no money is in: no currency, gold, tests.
@pytest.mark.parametrize("currency", ["try", "TL", "XXX", "XAU", "XTS", "949", "TRYY", "", "TR\u0130", "ZWL"])
def test_what_is_no_payable_currency_is_refused(currency: str) -> None:
    with pytest.raises(ValidationError, match="currency"):
        Money(minor=1, currency=currency)
    with pytest.raises(ValueError, match=r"ISO 4217"):
        exponent(currency)


@pytest.mark.parametrize("minor", [INT64_MAX + 1, -INT64_MAX - 1, 10**30])
def test_minor_units_stay_within_int64(minor: int) -> None:
    with pytest.raises(ValidationError, match="minor"):
        Money(minor=minor, currency="TRY")
    with pytest.raises(ValidationError, match="minor"):
        Money.from_major(Decimal(minor), "JPY")


@pytest.mark.parametrize("minor", ['"5"', "5.0", "5.5", "true", "null", "1e2"])
def test_minor_is_a_json_integer_and_nothing_that_looks_like_one(minor: str) -> None:
    with pytest.raises(ValidationError, match="minor"):
        Money.model_validate_json(f'{{"minor": {minor}, "currency": "TRY"}}')


@pytest.mark.parametrize(("kind", "least"), [(Price, 1), (Share, 0)])
def test_a_price_is_above_zero_and_a_share_not_below(kind: type[Money], least: int) -> None:
    assert kind(minor=least, currency="TRY").minor == least
    with pytest.raises(ValidationError, match="minor"):
        kind(minor=least - 1, currency="TRY")


@pytest.mark.parametrize("kind", [Price, Share])
def test_money_of_an_order_refuses_fields_it_does_not_know(kind: type[Money]) -> None:
    with pytest.raises(ValidationError, match="exponent"):
        kind.model_validate_json('{"minor": 5, "currency": "TRY", "exponent": 3}')
