"""Refunds, captures and currencies as others got them wrong, decided on values: any amount, currencies of each kind."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agents.payments.refusals import amount_of, refusal_of
from schemas.ids import new_id
from schemas.money import Money, Price
from schemas.payments import CancelPayment, CapturePayment, Payment, PaymentCommand, Reason, RefundPayment
from tests.builders import a_payment_created, a_payment_noticed, a_payment_queried, a_payment_refunded

CURRENCIES = ("TRY", "JPY", "KWD", "KRW", "EUR")
currencies = st.sampled_from(CURRENCIES)
minors = st.integers(1, 10**12)


def paid(minor: int, currency: str, state: str = "captured") -> Payment:
    price = Money(minor=minor, currency=currency)
    return Payment(payment_id=new_id()).after(a_payment_created(price, state=state))


def refunded(payment: Payment, minor: int) -> Payment:
    assert payment.currency is not None
    amount = Money(minor=minor, currency=payment.currency)
    return payment.after(
        a_payment_refunded(amount, refunded_total=Money(minor=payment.refunded + minor, currency=payment.currency))
    )


def why(command: PaymentCommand, payment: Payment) -> Reason | None:
    refusal = refusal_of(command, payment)
    return None if refusal is None else refusal.reason


@given(minor=minors, currency=currencies)
def test_h7_a_full_refund_leaves_nothing_and_never_less(minor: int, currency: str) -> None:
    after = refunded(paid(minor, currency), minor)
    assert (after.captured, after.refunded, after.refundable) == (minor, minor, 0)


@given(minor=minors, currency=currencies, other=currencies, kind=st.sampled_from([CapturePayment, RefundPayment]))
def test_h11_an_amount_in_another_currency_than_the_payments_is_refused_here(
    minor: int, currency: str, other: str, kind: type[CapturePayment | RefundPayment]
) -> None:
    assume(currency != other)
    payment = paid(minor, currency, "authorized" if kind is CapturePayment else "captured")
    asked = Price(minor=minor, currency=other)
    assert why(kind(payment_id=payment.payment_id, amount=asked), payment) is Reason.CURRENCY_MISMATCH
    own = amount_of(kind(payment_id=payment.payment_id), payment)
    assert own == Money(minor=minor, currency=currency)


@given(minor=minors, currency=currencies, data=st.data())
def test_i5_a_cancel_after_partial_refunds_gives_back_the_rest(minor: int, currency: str, data: st.DataObject) -> None:
    payment = paid(minor, currency)
    for _ in range(data.draw(st.integers(0, 3))):
        if payment.refundable > 1:
            payment = refunded(payment, data.draw(st.integers(1, payment.refundable - 1)))
    left = amount_of(CancelPayment(payment_id=payment.payment_id), payment)
    assert left == Money(minor=minor - payment.refunded, currency=currency)


@given(minor=minors, currency=currencies, back=st.integers(1, 10**6), words=st.lists(st.booleans(), max_size=4))
def test_i3_the_echo_of_our_own_refund_books_nothing(minor: int, currency: str, back: int, words: list[bool]) -> None:
    """Before the refund's own answer or after it, once or more: a provider's word is a hint, and the refund is one."""
    assume(back <= minor)
    payment = paid(minor, currency)
    price = Money(minor=minor, currency=currency)
    before = payment.after(a_payment_noticed(said="captured", paid_price=price))
    after = refunded(before, back)
    for asked in words:
        told = a_payment_queried(paid_price=price) if asked else a_payment_noticed(said="captured", paid_price=price)
        after = after.after(told)
    assert (before.refunded, after.captured, after.refunded) == (0, minor, back)


@given(minor=minors, currency=currencies)
def test_i7_a_payment_is_captured_once_so_that_its_one_capture_carries_every_refund(minor: int, currency: str) -> None:
    again = CapturePayment(payment_id=new_id(), amount=Price(minor=minor, currency=currency))
    assert why(again, paid(minor, currency)) is Reason.NOT_AUTHORIZED


@given(held=minors, currency=currencies, more=st.integers(-(10**6), 10**6))
def test_i9_a_capture_takes_what_is_asked_and_never_more_than_is_held(held: int, currency: str, more: int) -> None:
    assume(held + more > 0)
    payment = paid(held, currency, "authorized")
    asked = Price(minor=held + more, currency=currency)
    command = CapturePayment(payment_id=payment.payment_id, amount=asked)
    assert amount_of(command, payment) == asked
    assert why(command, payment) is (Reason.AMOUNT_EXCEEDS_AUTHORIZED if more > 0 else None)


@pytest.mark.parametrize("currency", CURRENCIES)
def test_i1_a_refund_above_what_is_left_is_refused_here(currency: str) -> None:
    payment = refunded(paid(4660, currency), 660)
    asked = Price(minor=4001, currency=currency)
    command = RefundPayment(payment_id=payment.payment_id, amount=asked)
    assert why(command, payment) is Reason.AMOUNT_EXCEEDS_CAPTURED
