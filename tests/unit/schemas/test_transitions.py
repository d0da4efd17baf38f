"""What a payment becomes by what was found of it, in whatever order and number it was heard."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import Payment, Result
from schemas.payments.notices import ProviderState
from schemas.payments.transitions import Change, change_by, concerns_another, says_nothing_new
from tests.builders import (
    a_command_pending,
    a_command_refused,
    a_command_unknown,
    a_payment_cancelled,
    a_payment_captured,
    a_payment_created,
    a_payment_noticed,
    a_payment_queried,
    a_payment_refunded,
    lira,
)

PAID = lira("12.50")
STATES: tuple[ProviderState, ...] = ("captured", "authorized", "pending", "failed", "cancelled", "not_found")
TAKEN = a_payment_created(PAID)
HELD = a_payment_created(PAID, state="authorized")
PENDING = a_command_pending(requested=PAID, capture="auto")
RELEASED = a_payment_cancelled(PAID, effect="released")
REVERSED = a_payment_cancelled(PAID, effect="reversed")
REFUNDED = a_payment_refunded(PAID)


def payment_after(*results: Result) -> Payment:
    payment = Payment(payment_id=new_id())
    for result in results:
        payment = payment.after(result)
    return payment


def found(payment: Payment, state: ProviderState, paid: Money | None = PAID, **changed: Any) -> tuple[Payment, Change]:
    """The payment after its provider was found to say this, and what that came to."""
    paid = paid if state in {"captured", "authorized"} else None
    change = change_by(payment, state, paid, **changed)
    told = a_payment_noticed(
        provider_state=state,
        paid_price=paid,
        changed=change.changed,
        amount=change.amount,
        settles=change.settles,
        contradicts=change.contradicts,
        detail=change.detail,
    )
    return payment.after(told), change


def totals(payment: Payment) -> tuple[str, int, int, int]:
    return payment.stage, payment.held, payment.captured, payment.refunded


@pytest.mark.parametrize("opened", [PENDING, a_command_unknown(requested=PAID, capture="auto")])
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("captured", ("captured", 0, 1250, 0)),
        ("authorized", ("authorized", 1250, 0, 0)),
        ("failed", ("new", 0, 0, 0)),
        ("cancelled", ("cancelled", 0, 0, 0)),
    ],
)
def test_an_open_creation_is_settled_by_a_clear_word(
    opened: Result, state: ProviderState, expected: tuple[str, int, int, int]
) -> None:
    payment, change = found(payment_after(opened), state)
    assert totals(payment) == expected
    assert (change.settles, payment.open_commands) == (True, ())


@pytest.mark.parametrize("state", ["pending", "not_found"])
def test_an_open_creation_stays_open_without_a_clear_word(state: ProviderState) -> None:
    before = payment_after(PENDING)
    assert found(before, state) == (before, Change())


def test_another_amount_than_was_asked_for_is_booked_and_contradicts() -> None:
    payment, change = found(payment_after(PENDING), "captured", lira("10.00"))
    assert totals(payment) == ("captured", 0, 1000, 0)
    assert change.contradicts
    assert change.detail == "the provider says 10.00 TRY, and 12.50 TRY was asked for"


def test_a_surcharge_that_the_payer_took_on_at_the_provider_contradicts_nothing() -> None:
    payment, change = found(payment_after(PENDING), "captured", lira("13.10"), surcharge=lira("0.60"))
    assert totals(payment) == ("captured", 0, 1310, 0)
    assert not change.contradicts
    _, other = found(payment_after(PENDING), "captured", lira("13.10"), surcharge=lira("0.50"))
    assert other.contradicts


def test_a_hold_where_a_charge_was_asked_for_contradicts() -> None:
    assert found(payment_after(PENDING), "authorized")[1].contradicts
    assert not found(payment_after(a_command_pending(requested=PAID, capture="manual")), "authorized")[1].contradicts


def test_what_was_captured_elsewhere_ends_the_hold() -> None:
    payment, change = found(payment_after(HELD), "captured", lira("10.00"))
    assert totals(payment) == ("captured", 0, 1000, 0)
    assert (change.settles, change.contradicts) == (False, False)
    assert found(payment_after(HELD), "captured", lira("13.00"))[1].contradicts


def test_a_hold_that_was_lifted_elsewhere_is_over() -> None:
    payment, change = found(payment_after(HELD), "cancelled")
    assert (totals(payment), change.amount) == (("cancelled", 0, 0, 0), Money(minor=1250, currency="TRY"))


@pytest.mark.parametrize("before", [(TAKEN,), (HELD, a_payment_captured(PAID)), (TAKEN, a_payment_refunded())])
@pytest.mark.parametrize("state", ["pending", "authorized", "not_found", "captured"])
def test_a_weaker_or_equal_word_that_comes_late_changes_nothing(
    before: tuple[Result, ...], state: ProviderState
) -> None:
    payment = payment_after(*before)
    assert found(payment, state) == (payment, Change())


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_no_word_takes_back_what_was_taken_and_a_contradiction_is_said(state: ProviderState) -> None:
    payment = payment_after(TAKEN)
    after, change = found(payment, state)
    assert (after, change.contradicts) == (payment, True)


@pytest.mark.parametrize("before", [(TAKEN, REFUNDED), (TAKEN, REVERSED), (TAKEN, REFUNDED, REVERSED)])
def test_a_late_paid_of_what_was_given_back_reopens_nothing(before: tuple[Result, ...]) -> None:
    payment = payment_after(*before)
    assert found(payment, "captured") == (payment, Change())
    assert payment.refundable == 0


def test_money_of_a_cancelled_hold_is_booked_to_be_given_back_and_opens_nothing() -> None:
    payment, change = found(payment_after(HELD, RELEASED), "captured")
    assert totals(payment) == ("cancelled", 0, 1250, 0)
    assert (payment.refundable, change.contradicts, change.settles) == (1250, True, False)


def test_a_cancelled_payment_stays_so_when_the_provider_says_pending() -> None:
    payment = payment_after(HELD, RELEASED)
    after, change = found(payment, "pending")
    assert (after, change.contradicts) == (payment, True)


@pytest.mark.parametrize("state", ["captured", "authorized"])
def test_money_of_a_refused_creation_is_booked_and_contradicts(state: ProviderState) -> None:
    payment, change = found(payment_after(a_command_refused()), state)
    assert (payment.stage, payment.held + payment.captured, change.contradicts) == (state, 1250, True)
    assert (payment.integration_id, payment.provider_reference) == ("iyzico-main", "22416032")
    assert found(payment, state) == (payment, Change())


def test_a_further_attempt_touches_nothing_and_is_said_where_it_took_money() -> None:
    payment = payment_after(TAKEN)
    for state in STATES:
        after, change = found(payment, state, another=True)
        assert (after, change.contradicts) == (payment, state in {"captured", "authorized"})


def test_an_attempt_is_known_by_its_account_and_either_name() -> None:
    payment = payment_after(TAKEN)
    own: dict[str, str | None] = {
        "integration_id": "iyzico-main", "our_reference": "a1b2c3d4", "provider_reference": "22416032",
    }  # fmt: skip
    assert not concerns_another(payment, **own)
    assert not concerns_another(payment, **(own | {"our_reference": "a-captures-own"}))
    assert not concerns_another(payment, **(own | {"provider_reference": None}))
    assert concerns_another(payment, **(own | {"integration_id": "iyzico-other"}))
    assert concerns_another(payment, **(own | {"provider_reference": "another"})), "two of one reference of ours"
    assert concerns_another(payment, **(own | {"our_reference": "another", "provider_reference": None}))
    assert not concerns_another(payment_after(a_command_refused()), **own)


@pytest.mark.parametrize(
    "before", [(), (PENDING,), (TAKEN,), (HELD,), (HELD, RELEASED), (TAKEN, REFUNDED), (TAKEN, REVERSED)]
)
def test_where_nobody_is_asked_the_same_word_of_the_provider_would_change_nothing(before: tuple[Result, ...]) -> None:
    payment = payment_after(*before)
    for state in STATES:
        if says_nothing_new(payment, state):
            assert found(payment, state) == (payment, Change())
    assert not says_nothing_new(payment, None)


words = st.lists(st.sampled_from(STATES), min_size=1, max_size=8)
begun = st.sampled_from([(PENDING,), (TAKEN,), (HELD,), (a_command_refused(),), (HELD, RELEASED), (TAKEN, REVERSED)])


@given(begun, words, words)
def test_what_was_taken_stays_taken_whatever_is_heard_later(
    before: tuple[Result, ...], heard: list[ProviderState], later: list[ProviderState]
) -> None:
    payment = payment_after(*before)
    for state in heard:
        payment = found(payment, state)[0]
    if payment.captured:
        kept = totals(payment)
        for state in later:
            payment = found(payment, state)[0]
        assert totals(payment) == kept


@given(begun, st.lists(st.sampled_from(["captured", "authorized", "pending", "failed", None]), max_size=12))
def test_notices_in_any_order_and_number_give_the_payment_that_the_provider_tells(
    before: tuple[Result, ...], heard: list[ProviderState | None]
) -> None:
    """Whatever they say: the provider is asked, and says the same each time."""
    truths: tuple[ProviderState, ...] = ("captured", "authorized", "failed")
    for truth in truths:
        once = found(payment_after(*before), truth)[0]
        payment = payment_after(*before)
        for said in heard:
            if not says_nothing_new(payment, said):
                payment = found(payment, truth)[0]
        asked = any(not says_nothing_new(payment_after(*before), said) for said in heard)
        assert totals(payment) == totals(once if asked else payment_after(*before))


def test_captured_and_authorized_come_to_captured_in_either_order() -> None:
    for order in itertools.permutations(STATES[:3]):
        payment = payment_after(a_command_pending(requested=PAID, capture="manual"))
        for state in order:
            payment = found(payment, state)[0]
        assert totals(payment) == ("captured", 0, 1250, 0)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("before", [(), (PENDING,), (TAKEN,), (HELD,)])
def test_a_query_of_an_earlier_version_that_did_not_say_what_changed_settles_what_it_did(
    before: tuple[Result, ...], state: ProviderState
) -> None:
    payment = payment_after(*before)
    paid = PAID if state in {"captured", "authorized"} else None
    told = payment.after(a_payment_queried(provider_state=state, paid_price=paid))
    settled = found(payment, state)[0] if payment.creation_is_open else payment
    assert (told.stage, told.held, told.captured, told.open_commands) == (
        settled.stage, settled.held, settled.captured, settled.open_commands,
    )  # fmt: skip
