"""What a command may say. Turkish letters, emoji and long names are ordinary names."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.money import INT64_MAX, Price, Share
from schemas.payments import (
    PAYMENT_COMMANDS,
    BasketLine,
    CreatePayment,
    HostedPage,
    MerchantShare,
    PaymentCommand,
    QueryPayment,
)
from tests.builders import a_buyer, a_create_payment, a_line, a_query_payment, lira, money

NAMES = ["İ", "ı", "İSTANBUL ığüşöç", "😀 Mağaza 🏳️‍🌈", "Ğ" * 300, "a\tb", "  padded  ", "ﷺ", "e\u0301"]


def share(amount: str) -> Share:
    return Share.parse(amount, "TRY")


@pytest.mark.parametrize("name", NAMES)
def test_names_are_taken_and_kept_letter_by_letter(name: str) -> None:
    command = a_create_payment(buyer=a_buyer(name=name, surname=name), basket=(a_line(lira("12.50"), name=name),))
    read = CreatePayment.model_validate_json(command.model_dump_json())
    assert (read.buyer.name, read.buyer.surname, read.basket[0].name) == (name, name, name)
    assert read == command


@pytest.mark.parametrize("name", ["", "a\x00b", "x" * 1001])
def test_a_name_is_not_empty_not_endless_and_without_nul(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        a_buyer(name=name)


@pytest.mark.parametrize("field", ["email", "identity_number", "ip"])
def test_nul_is_refused_in_every_text_of_a_buyer(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        a_buyer(**{field: "a@b\x00c"})


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=30))
def test_a_basket_that_adds_up_is_taken_in_any_order(minors: list[int]) -> None:
    total = Price(minor=sum(minors), currency="JPY")
    lines = [a_line(Price(minor=minor, currency="JPY"), f"l{number}") for number, minor in enumerate(minors)]
    for basket in (lines, lines[::-1]):
        assert a_create_payment(total, basket=tuple(basket)).price == total


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=10), st.integers(-1000, 1000).filter(bool))
def test_a_basket_that_does_not_add_up_is_refused(minors: list[int], off: int) -> None:
    total = max(1, sum(minors) + off)
    lines = tuple(a_line(Price(minor=minor, currency="TRY"), f"l{number}") for number, minor in enumerate(minors))
    if total == sum(minors):
        total += 1
    with pytest.raises(ValidationError, match="basket adds up to"):
        a_create_payment(Price(minor=total, currency="TRY"), basket=lines)


def test_three_lines_whose_rounded_sum_misses_the_rounded_total_are_refused() -> None:
    lines = tuple(a_line(lira("11.05"), f"l{number}") for number in range(3))
    with pytest.raises(ValidationError, match="basket adds up to 3315 minor units, price says 3314"):
        a_create_payment(lira("33.14"), basket=lines)


def test_surcharge_shipping_and_discount_make_the_paid_price_and_are_kept_apart() -> None:
    parts: dict[str, Any] = {
        "shipping": share("5.00"),
        "instalment_surcharge": share("2.50"),
        "discount": share("1.00"),
    }
    command = a_create_payment(lira("100.00"), paid_price=lira("106.50"), **parts)
    assert (command.shipping, command.instalment_surcharge, command.discount) == tuple(parts.values())
    with pytest.raises(ValidationError, match="paid_price is 10000"):
        a_create_payment(lira("100.00"), **parts)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"basket": ()}, "basket"),
        ({"basket": (a_line(lira("6.25")), a_line(lira("6.25")))}, "basket has two lines"),
        ({"shipping_address": None}, "shipping_address is needed"),
        ({"paid_price": money("12.50", "EUR")}, "paid_price is in EUR, price in TRY"),
        ({"basket": (a_line(money("12.50", "EUR")),)}, "basket is in EUR, price in TRY"),
        ({"instalments": 0}, "instalments"),
        ({"instalments": 37}, "instalments"),
        ({"order_id": "has blank"}, "order_id"),
        ({"order_id": "sipariş"}, "order_id"),
        ({"integration_id": "Iyzico"}, "integration_id"),
        ({"capture": "later"}, "capture"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_creation_that_makes_no_sense_is_refused_by_the_name_of_the_field(
    changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError, match=field):
        a_create_payment(**changed)


def test_a_basket_of_virtual_goods_needs_no_shipping_address() -> None:
    command = a_create_payment(shipping_address=None, basket=(a_line(lira("12.50"), goods="virtual"),))
    assert command.shipping_address is None


@pytest.mark.parametrize("amount", [money("1.00", "EUR"), lira("12.51")])
def test_a_merchants_share_is_part_of_its_line(amount: Price) -> None:
    part = MerchantShare(merchant_key="m", amount=Share(minor=amount.minor, currency=amount.currency))
    with pytest.raises(ValidationError, match="merchant_share"):
        a_line(lira("12.50"), merchant_share=part)


def test_a_merchants_share_may_be_all_or_nothing_of_its_line() -> None:
    for amount in ("0", "12.50"):
        part = MerchantShare(merchant_key="m", amount=share(amount))
        assert a_line(lira("12.50"), merchant_share=part).merchant_share == part


@pytest.mark.parametrize("kind", PAYMENT_COMMANDS)
def test_every_command_refuses_fields_it_does_not_know(kind: type[PaymentCommand]) -> None:
    assert kind.model_config["extra"] == "forbid"
    assert kind.model_config["strict"]
    assert kind.model_config["frozen"]


@pytest.mark.parametrize(
    "moment", ["2026-11-25T10:00:00", "2026-11-25", "0001-01-01T00:00:00+05:00", "9999-12-31T23:00:00-05:00", "soon"]
)
def test_a_moment_without_offset_or_outside_the_calendar_is_refused(moment: str) -> None:
    text = a_query_payment().model_dump_json(exclude_none=True).replace("}", f', "expires_at": "{moment}"}}')
    with pytest.raises(ValidationError, match="expires_at"):
        QueryPayment.model_validate_json(text)


@pytest.mark.parametrize("url", ["http://shop.example/back", "javascript:alert(1)", "https://shop.example/a b", ""])
def test_a_return_url_is_https(url: str) -> None:
    with pytest.raises(ValidationError, match="return_url"):
        HostedPage(kind="hosted_page", return_url=url)


def test_the_largest_amount_is_taken() -> None:
    most = Price(minor=INT64_MAX, currency="TRY")
    assert a_create_payment(most).paid_price == most
    with pytest.raises(ValidationError, match="minor"):
        Price(minor=INT64_MAX + 1, currency="TRY")


def test_a_line_is_what_it_says() -> None:
    assert BasketLine.model_validate_json(a_line(lira("1.00")).model_dump_json()) == a_line(lira("1.00"))
