"""What the results of a payment add up to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import LineReference, Payment, PaymentRefunded, Result
from tests.builders import (
    a_command_pending,
    a_command_refused,
    a_command_unknown,
    a_payment_cancelled,
    a_payment_captured,
    a_payment_created,
    a_payment_queried,
    a_payment_refunded,
    lira,
    performed,
)

ID = new_id()
FORTY = Money(minor=4000, currency="TRY")
LINES = tuple(LineReference(line_id=f"l{n}", provider_reference=f"r{n}", paid=FORTY) for n in (1, 2))


def folded(*results: Result) -> Payment:
    payment = Payment(payment_id=ID)
    for result in results:
        payment = payment.after(result)
    return payment


def totals(payment: Payment) -> tuple[str, int, int, int]:
    return payment.stage, payment.held, payment.captured, payment.refunded


TAKEN = a_payment_created(lira("80.00"), lines=LINES)
HELD = a_payment_created(lira("80.00"), state="authorized", lines=LINES)


def test_a_creation_takes_or_holds_the_paid_price_and_is_remembered() -> None:
    payment = folded(TAKEN)
    assert totals(payment) == ("captured", 0, 8000, 0)
    assert (payment.provider_reference, payment.create_reference) == ("22416032", "a1b2c3d4")
    assert (payment.integration_id, payment.provider, payment.currency) == ("iyzico-main", "iyzico", "TRY")
    assert totals(folded(HELD)) == ("authorized", 8000, 0, 0)


def test_a_partial_capture_ends_the_hold() -> None:
    assert totals(folded(HELD, a_payment_captured(lira("30.00")))) == ("captured", 0, 3000, 0)


def test_a_cancel_after_a_partial_refund_gives_the_remainder_back() -> None:
    payment = folded(TAKEN, a_payment_refunded(lira("30.00")))
    assert payment.refundable == 5000
    assert totals(payment.after(a_payment_cancelled(lira("50.00")))) == ("cancelled", 0, 8000, 8000)


def test_a_cancel_of_a_hold_releases_it() -> None:
    assert totals(folded(HELD, a_payment_cancelled(effect="released"))) == ("cancelled", 0, 0, 0)


def test_refunds_count_per_line_and_in_all() -> None:
    first = a_payment_refunded(lira("15.00"), line_id="l1")
    second = a_payment_refunded(lira("20.00"), refunded_total=lira("35.00"), line_id="l2")
    payment = folded(TAKEN, first, second)
    assert (payment.line_refundable("l1"), payment.line_refundable("l2")) == (2500, 2000)
    assert payment.line_refundable("l3") is None
    assert (payment.refunded, payment.refundable) == (3500, 4500)


@pytest.mark.parametrize("before", [(), (TAKEN,), (HELD,), (TAKEN, a_payment_refunded())])
@pytest.mark.parametrize(
    "result",
    [
        a_command_refused(),
        a_command_unknown(command_type="payments.query.v1"),
        a_command_pending(command_type="payments.query.v1"),
    ],
)
def test_refusals_and_questions_without_an_answer_change_nothing(before: tuple[Result, ...], result: Result) -> None:
    assert folded(*before, result) == folded(*before)


@pytest.mark.parametrize("kind", ["payments.capture.v1", "payments.cancel.v1", "payments.refund.v1"])
@pytest.mark.parametrize("result", [a_command_unknown, a_command_pending])
def test_a_movement_that_may_be_under_way_unsettles_the_payment_and_keeps_its_references(
    kind: str, result: Any
) -> None:
    other = performed(our_reference="the-movements-own", provider_reference=None)
    payment = folded(TAKEN).after(result(command_type=kind, performed=other))
    assert totals(payment) == ("unsettled", 0, 8000, 0)
    assert (payment.create_reference, payment.provider_reference) == ("a1b2c3d4", "22416032")


def test_a_cancel_that_stays_unknown_does_not_take_the_creations_reference_away() -> None:
    pending = a_command_pending()
    unknown = a_command_unknown(command_type="payments.cancel.v1", performed=performed(our_reference="cancels"))
    payment = folded(pending, unknown)
    assert (payment.stage, payment.create_reference) == ("unsettled", "a1b2c3d4")


@pytest.mark.parametrize("first", [a_command_unknown(), a_command_pending()])
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("captured", ("captured", 0, 1250, 0)),
        ("authorized", ("authorized", 1250, 0, 0)),
        ("failed", ("new", 0, 0, 0)),
        ("cancelled", ("cancelled", 0, 0, 0)),
    ],
)
def test_a_query_settles_a_creation_that_was_open(
    first: Result, state: str, expected: tuple[str, int, int, int]
) -> None:
    payment = folded(first, a_payment_queried(provider_state=state))
    assert totals(payment) == expected
    assert payment.create_reference == "a1b2c3d4"


@pytest.mark.parametrize("state", ["not_found", "pending"])
def test_not_found_settles_nothing_since_it_may_come_late(state: str) -> None:
    query = a_payment_queried(provider_state=state, paid_price=None)
    unknown = a_command_unknown()
    assert folded(unknown, query) == folded(unknown)


@pytest.mark.parametrize("state", ["failed", "cancelled", "not_found", "authorized"])
def test_a_query_never_worsens_what_was_taken(state: str) -> None:
    assert folded(TAKEN, a_payment_queried(provider_state=state)) == folded(TAKEN)


movements = st.lists(
    st.tuples(st.sampled_from(["refund", "line", "refused", "query"]), st.integers(1, 3000)), max_size=12
)


@given(movements)
def test_folding_is_repeatable_and_never_gives_back_more_than_was_taken(plan: list[tuple[str, int]]) -> None:
    results: list[Result] = [TAKEN]
    for kind, minor in plan:
        payment = folded(*results)
        left = payment.refundable if kind != "line" else min(payment.line_refundable("l1") or 0, payment.refundable)
        if kind == "refused":
            results.append(a_command_refused())
        elif kind == "query":
            results.append(a_payment_queried())
        elif 0 < minor <= left:
            amount = Money(minor=minor, currency="TRY")
            total = Money(minor=payment.refunded + minor, currency="TRY")
            line = "l1" if kind == "line" else None
            results.append(a_payment_refunded(amount, refunded_total=total, line_id=line))
    payment = folded(*results)
    assert payment == folded(*results)
    assert 0 <= payment.refunded <= payment.captured == 8000
    assert payment.refunded == sum(result.amount.minor for result in results if isinstance(result, PaymentRefunded))
    stored = Payment.model_validate_json(payment.model_dump_json(exclude_defaults=True))
    assert stored == payment
