from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox.paytr.amounts import dotted, grossed_up, read_decimal, read_kurus, share, with_comma
from infra.sandbox.paytr.refusing import Refused


@pytest.mark.parametrize(("text", "minor"), [("16.56", 1656), ("19.99", 1999), ("150", 15000), ("1500.3", 150030)])
def test_lira_are_read_exactly(text: str, minor: int) -> None:
    assert read_decimal(text, "payment_amount") == minor


@pytest.mark.parametrize("text", ["", "0", "0.00", "10,8", "1.234", "-1", "1e3", "1 000", "٣", "1.", ".5"])
def test_no_other_writing_of_lira_is_taken(text: str) -> None:
    with pytest.raises(Refused):
        read_decimal(text, "payment_amount")


@pytest.mark.parametrize("text", ["", "0", "34.56", "34,56", "-1", "1e3", "٣"])
def test_kurus_are_a_whole_number(text: str) -> None:
    assert read_kurus("3456", "payment_amount") == 3456
    with pytest.raises(Refused):
        read_kurus(text, "payment_amount")


@pytest.mark.parametrize(("minor", "text"), [(1080, "10,8"), (1000, "10"), (3456, "34,56"), (5, "0,05"), (0, "0")])
def test_a_comma_comes_with_no_more_decimals_than_needed(minor: int, text: str) -> None:
    assert with_comma(minor) == text


@given(st.integers(1, 10**11), st.integers(0, 5000).map(lambda basis: Decimal(basis) / 100))
def test_what_is_grossed_up_leaves_the_amount_when_the_rate_is_taken_off(minor: int, percent: Decimal) -> None:
    total = grossed_up(minor, percent)
    assert abs(total - share(total, percent) - minor) <= 1
    assert read_decimal(dotted(minor), "x") == minor
