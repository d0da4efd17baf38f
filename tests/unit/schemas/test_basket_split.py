"""Lines that add up: what is rounded or taken off is spread, by rule, over lines of which none is nothing."""

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import Money, Price, exponent
from schemas.payments.basket_split import after_discount, rounded, scaled
from tests.builders import lira, money

currencies = st.sampled_from(["TRY", "JPY", "KWD"])
minors = st.lists(st.integers(1, 10**9), min_size=1, max_size=12)


def _minors(prices: tuple[Price, ...]) -> list[int]:
    return [price.minor for price in prices]


def test_j1_thirds_are_rounded_so_that_they_make_the_rounded_total() -> None:
    lines = rounded([Decimal("11.047")] * 3, "TRY")
    assert [str(line) for line in lines] == ["11.05 TRY", "11.05 TRY", "11.04 TRY"]
    assert sum(_minors(lines)) == 3314


def test_j3_a_gift_card_is_spread_over_the_lines() -> None:
    lines = (lira("100.00"), lira("50.00"))
    assert after_discount(lines, lira("60.00")) == (lira("60.00"), lira("30.00"))


@pytest.mark.parametrize("discount", ["150.00", "150.01"])
def test_j3_a_gift_card_that_pays_for_all_leaves_no_payment(discount: str) -> None:
    with pytest.raises(ValueError, match="no payment"):
        after_discount((lira("100.00"), lira("50.00")), lira(discount))


def test_j5_rounding_by_line_makes_one_total_in_any_order() -> None:
    totals = set()
    for basket in permutations([(3, "733.61"), (2, "569.67")]):
        lines = [scaled(lira(each), Decimal(count)) for count, each in basket]
        taxed = [scaled(scaled(line, Decimal("0.90")), Decimal("1.22")) for line in lines]
        totals.add(sum(line.minor for line in taxed))
    assert totals == {366_752}


@given(minors=minors, currency=currencies, data=st.data())
def test_what_is_left_after_a_discount_is_spread_to_the_last_unit_and_no_line_is_nothing(
    minors: list[int], currency: str, data: st.DataObject
) -> None:
    discount = data.draw(st.integers(0, sum(minors) - len(minors)))
    prices = [Price(minor=minor, currency=currency) for minor in minors]
    left = _minors(after_discount(prices, Money(minor=discount, currency=currency)))
    assert sum(left) == sum(minors) - discount
    assert min(left) >= 1


@given(minors=minors, data=st.data())
def test_no_line_gains_by_a_discount_but_the_unit_that_it_needs(minors: list[int], data: st.DataObject) -> None:
    discount = data.draw(st.integers(0, sum(minors) - len(minors)))
    prices = [Price(minor=minor, currency="TRY") for minor in minors]
    left = _minors(after_discount(prices, Money(minor=discount, currency="TRY")))
    assert [after <= before for after, before in zip(left, minors, strict=True)] == [True] * len(minors)


@given(minors=minors, data=st.data())
def test_the_order_of_the_lines_changes_no_total(minors: list[int], data: st.DataObject) -> None:
    exact = [Decimal(minor) / 1000 for minor in minors if minor >= 10]
    if exact:
        shuffled = data.draw(st.permutations(exact))
        assert sum(_minors(rounded(shuffled, "TRY"))) == sum(_minors(rounded(exact, "TRY")))


@given(minors=minors, currency=currencies)
def test_amounts_that_are_whole_already_stay(minors: list[int], currency: str) -> None:
    whole = [Decimal(minor).scaleb(-exponent(currency)) for minor in minors]
    assert _minors(rounded(whole, currency)) == minors


@pytest.mark.parametrize("amounts", [[], ["0"], ["1.00", "-0.50"], ["0.001", "0.001"]])
def test_lines_that_cannot_be_sent_are_refused(amounts: list[str]) -> None:
    with pytest.raises(ValueError, match="line"):
        rounded([Decimal(amount) for amount in amounts], "TRY")


def test_a_discount_of_another_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="currency"):
        after_discount((lira("10.00"),), money("1.00", "EUR"))
