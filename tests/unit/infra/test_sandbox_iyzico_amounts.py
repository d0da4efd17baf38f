from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox.iyzico import CARDS, WALLET_TOKENS
from infra.sandbox.iyzico.amounts import eight_decimals, read_price, short, spread, two_decimals
from infra.sandbox.iyzico.cards import passes_luhn
from infra.sandbox.iyzico.errors import Refused


@pytest.mark.parametrize(
    ("value", "minor"),
    [("1", 100), ("1.0", 100), ("149.90", 14990), ("0.01", 1), (Decimal("16.56"), 1656), (7, 700), ("019.99", 1999)],
)
def test_a_price_is_read_exactly(value: object, minor: int) -> None:
    assert read_price(value, "price") == minor


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "5004"),
        ("", "5004"),
        ("0", "5005"),
        ("0.000", "5005"),
        ("-1.00", "5005"),
        ("1,50", "11"),
        ("1.234", "11"),
        ("1.200", "11"),
        ("1e2", "11"),
        (" 1", "11"),
        ("1.", "11"),
        ("٣", "11"),
        ("92233720368547758.08", "11"),
        (Decimal("1e999999999"), "11"),
        (True, "11"),
        ([], "11"),
    ],
)
def test_a_wrong_price_is_refused_under_its_own_code(value: object, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read_price(value, "price")
    assert (caught.value.code, "price" in caught.value.detail) == (code, True)


@given(st.integers(min_value=1, max_value=10**15 - 1))
def test_every_amount_round_trips_in_each_style(minor: int) -> None:
    for written in (two_decimals(minor), short(minor), eight_decimals(two_decimals(minor))):
        assert written.scaleb(2) == minor
    assert read_price(str(two_decimals(minor)), "price") == read_price(str(short(minor)), "price") == minor


@given(st.integers(min_value=0, max_value=10**12), st.lists(st.integers(min_value=1, max_value=10**9), min_size=1))
def test_shares_add_up_and_differ_from_the_exact_share_by_less_than_one(total: int, weights: list[int]) -> None:
    parts = spread(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True))


def test_wallet_tokens_are_words_for_valid_public_numbers() -> None:
    assert len(WALLET_TOKENS) == len(CARDS) == len({card.number for card in CARDS})
    assert all(passes_luhn(number) for number in WALLET_TOKENS.values())
    assert not any(sum(letter.isdecimal() for letter in token) > 5 for token in WALLET_TOKENS)
