import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox.paypal.amounts import CURRENCIES, Sum, fee_of, read_any_sum, read_sum
from infra.sandbox.paypal.refusing import Refused

WHOLE_HUNDREDS = {"HUF", "TWD"}
sums = st.builds(
    lambda currency, major: Sum(currency, major * (100 if currency in WHOLE_HUNDREDS else 1)),
    st.sampled_from(sorted(CURRENCIES)),
    st.integers(1, 10**8),
)


@given(sums)
def test_an_amount_is_read_as_it_was_written(amount: Sum) -> None:
    assert read_sum(amount.written(), "/amount") == amount


@given(sums)
def test_a_fee_is_less_than_what_was_paid_or_all_of_it_and_can_be_written(taken: Sum) -> None:
    fee = fee_of(taken)
    assert 0 < fee.minor <= taken.minor
    assert read_any_sum(fee.written(), "/fee") == fee


@pytest.mark.parametrize("value", ["", "1,00", "1.", "1e3", "٣", "+1", "0x1", "1" * 33, 12, 12.5, None])
def test_no_other_writing_is_taken(value: object) -> None:
    with pytest.raises(Refused):
        read_sum({"currency_code": "EUR", "value": value}, "/amount")


@pytest.mark.parametrize("currency", ["eur", "TRY"])
def test_a_currency_that_is_not_taken_is_told_by_its_issue(currency: str) -> None:
    with pytest.raises(Refused, match="INVALID_CURRENCY_CODE"):
        read_sum({"currency_code": currency, "value": "1.00"}, "/amount")
