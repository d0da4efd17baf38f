"""What is new in a dispute, and what a payment becomes by it."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import Dispute, Payment, PaymentNoticed
from schemas.payments.disputes import change_of
from tests import builders as a

OPEN = a.a_dispute()
LOST = a.a_dispute(state="lost", provider_state="lost")
WON = a.a_dispute(state="won", provider_state="won", withdrawn=a.kurus(0))


@pytest.mark.parametrize(
    ("known", "found", "change"),
    [
        ((), OPEN, "opened"),
        ((), LOST, "closed"),
        ((OPEN,), OPEN, None),
        ((LOST,), LOST, None),
        ((OPEN,), LOST, "closed"),
        ((OPEN,), a.a_dispute(state="under_review"), "changed"),
        ((OPEN,), a.a_dispute(respond_by=a.NOON), "changed"),
        ((OPEN,), a.a_dispute(amount=a.kurus(500)), "changed"),
        ((LOST,), WON, "changed"),
        ((LOST,), OPEN, "changed"),
        ((OPEN,), a.a_dispute(reference="du_2"), "opened"),
    ],
)
def test_what_is_new_in_a_dispute(known: Sequence[Dispute], found: Dispute, change: str | None) -> None:
    assert change_of(known, found) == change


@pytest.mark.parametrize(
    ("state", "over"),
    [
        ("open", False), ("needs_response", False), ("awaiting_payer", False), ("under_review", False),
        ("won", True), ("lost", True), ("prevented", True), ("withdrawn", True), ("closed", True),
    ],
)  # fmt: skip
def test_only_words_of_an_end_are_one(state: str, over: bool) -> None:
    assert a.a_dispute(state=state).is_over is over


def a_taken_payment(**changed: Any) -> Payment:
    known: dict[str, Any] = {"payment_id": new_id(), "stage": "captured", "currency": "TRY", "captured": 1250}
    return Payment(**(known | changed))


def told(payment: Payment, dispute: Dispute) -> Payment:
    change = change_of(payment.disputes, dispute)
    sequence = None if change is None else payment.dispute_facts + 1
    noticed = a.a_payment_noticed(
        payment_id=payment.payment_id, dispute=dispute, dispute_change=change, dispute_sequence=sequence
    )
    assert isinstance(noticed, PaymentNoticed)
    return payment.after(noticed)


def test_what_a_dispute_takes_is_neither_captured_nor_refunded() -> None:
    payment = told(a_taken_payment(refunded=250), a.a_dispute(withdrawn=a.kurus(400)))
    assert (payment.captured, payment.refunded, payment.refundable) == (1250, 250, 1000)
    assert (payment.disputed, payment.undisputed, payment.transferable) == (400, 600, 600)


def test_money_that_came_back_can_be_given_back_again() -> None:
    payment = told(told(a_taken_payment(), OPEN), WON)
    assert (payment.disputed, payment.undisputed, payment.dispute_facts) == (0, 1250, 2)


def test_disputes_of_one_payment_add_up_and_never_leave_less_than_nothing() -> None:
    payment = told(told(a_taken_payment(), OPEN), a.a_dispute(reference="du_2", withdrawn=a.kurus(100)))
    assert (payment.disputed, payment.undisputed) == (1350, 0)


def test_where_another_currency_was_taken_nothing_is_left_to_give_back() -> None:
    payment = told(a_taken_payment(), a.a_dispute(withdrawn=Money(minor=100, currency="EUR")))
    assert (payment.disputed, payment.undisputed) == (0, 0)


def test_nothing_new_changes_nothing() -> None:
    payment = told(a_taken_payment(), OPEN)
    assert told(payment, OPEN) == payment


@given(
    heard=st.lists(
        st.builds(
            a.a_dispute,
            reference=st.sampled_from(["du_1", "du_2"]),
            state=st.sampled_from(["open", "needs_response", "under_review", "won", "lost"]),
            withdrawn=st.sampled_from([a.kurus(0), a.kurus(500)]),
        ),
        max_size=12,
    )
)
def test_each_dispute_stands_as_it_was_found_last_whatever_came_between(heard: list[Dispute]) -> None:
    payment = a_taken_payment()
    facts = 0
    for dispute in heard:
        after = told(payment, dispute)
        facts += after != payment
        payment = after
    last = {dispute.reference: dispute for dispute in heard}
    assert {dispute.reference: dispute for dispute in payment.disputes} == last
    assert payment.dispute_facts == facts
    assert payment.disputed == sum(dispute.withdrawn.minor for dispute in last.values())
    assert Payment.model_validate_json(payment.model_dump_json(exclude_defaults=True)) == payment
