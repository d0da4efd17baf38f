"""Renewing a hold: what may be renewed, and that nothing moves by it, whatever becomes of it."""

from datetime import timedelta
from typing import Any

import pytest

from agents.payments.conclude import Conclude
from agents.payments.decisions import Call, Refuse
from providers.outcome import Outcome, ProviderState
from providers.registry import connectors
from schemas.ids import new_id
from schemas.payments import (
    LineReference,
    Payment,
    PaymentCreated,
    PaymentReauthorized,
    Reason,
    ReauthorizePayment,
    Result,
)
from schemas.verdicts import Verdict
from tests.builders import (
    NOON,
    a_capture_payment,
    a_command_pending,
    a_command_refused,
    a_command_unknown,
    a_create_payment,
    a_payment_created,
    a_payment_noticed,
    a_payment_queried,
    a_payment_reauthorized,
    a_query_payment,
    a_reauthorize_payment,
    lira,
    performed,
)
from tests.unit.agents.deciding import ID, a_payment, decided, minor

UNTIL = NOON + timedelta(days=29)
OLD = LineReference(line_id="authorization", provider_reference="A1", paid=minor(10_000))
NEW = OLD.model_copy(update={"provider_reference": "A2"})
HELD = a_payment("authorized", lines=(OLD,))
RENEWAL = ReauthorizePayment.type


def named(payment: Payment) -> str:
    return payment.lines[0].provider_reference


def test_all_that_is_held_is_held_anew() -> None:
    step = decided(a_reauthorize_payment(ID), HELD)
    assert isinstance(step, Call)
    assert step.amount == minor(10_000)


@pytest.mark.parametrize(
    ("payment", "reason"),
    [
        (a_payment("new"), Reason.PAYMENT_NOT_FOUND),
        (a_payment("pending"), Reason.NOT_AUTHORIZED),
        (a_payment("captured"), Reason.NOT_AUTHORIZED),
        (a_payment("cancelled"), Reason.PAYMENT_ALREADY_CANCELLED),
        (a_payment("unsettled"), Reason.PAYMENT_UNSETTLED),
    ],
)
def test_nothing_but_a_hold_is_renewed(payment: Payment, reason: Reason) -> None:
    refusal = decided(a_reauthorize_payment(ID), payment)
    assert isinstance(refusal, Refuse)
    assert refusal.reason is reason


def test_the_payment_goes_by_the_renewed_hold_and_its_totals_stay() -> None:
    conclude = Conclude(new_id(), a_reauthorize_payment(ID), HELD, amount=minor(10_000), attempts=1, at=NOON)
    outcome = Outcome(verdict=Verdict.ACCEPTED, amount=minor(10_000), lines=(NEW,), held_until=UNTIL)
    result = conclude.by_provider(outcome, performed())
    assert isinstance(result, PaymentReauthorized)
    assert (result.amount, result.held_until) == (minor(10_000), UNTIL)
    renewed = HELD.after(result)
    assert renewed == HELD.model_copy(update={"lines": (NEW,)})
    assert isinstance(decided(a_capture_payment(ID), renewed), Call)
    assert isinstance(decided(a_reauthorize_payment(ID), renewed), Call)


def test_a_provider_that_tells_no_new_name_leaves_the_old_one() -> None:
    assert HELD.after(a_payment_reauthorized(lines=())) == HELD


@pytest.mark.parametrize(
    "result",
    [
        a_command_unknown(command_type=RENEWAL),
        a_command_pending(command_type=RENEWAL),
        a_command_refused(command_type=RENEWAL),
    ],
)
def test_a_renewal_that_nobody_knows_of_keeps_no_capture_waiting(result: Result) -> None:
    assert HELD.after(result) == HELD
    assert isinstance(decided(a_capture_payment(ID), HELD.after(result)), Call)


def test_a_query_brings_the_name_of_a_hold_whose_renewal_was_missed() -> None:
    missed = HELD.after(a_command_unknown(command_type=RENEWAL))
    found = {"provider_state": "authorized", "paid_price": minor(10_000), "lines": (NEW,)}
    assert named(missed.after(a_payment_queried(**found))) == "A2"
    assert named(missed.after(a_payment_noticed(**found))) == "A1", "it may be about a further attempt"
    assert named(missed.after(a_payment_queried(**(found | {"lines": ()})))) == "A1"
    taken = a_payment(lines=(OLD,))
    assert named(taken.after(a_payment_queried(**found))) == "A1", "what is taken goes by what took it"


def test_a_query_brings_the_name_of_what_took_a_hold_where_a_person_settled_the_capture() -> None:
    capture = LineReference(line_id="capture", provider_reference="C1", paid=minor(10_000))
    found = a_payment_queried(provider_state="captured", paid_price=minor(10_000), lines=(capture,))
    assert named(a_payment(lines=(OLD,)).after(found)) == "C1"
    assert named(a_payment(lines=()).after(found)) == "C1"
    other = capture.model_copy(update={"provider_reference": "C0"})
    assert named(a_payment(lines=(other,)).after(found)) == "C0", "it is known already"
    assert named(a_payment(lines=(OLD,), refunded=100).after(found)) == "A1", "refunds went by other names"


@pytest.mark.parametrize("state", ["authorized", "captured"])
def test_a_result_of_a_hold_says_until_when_it_is_held(state: str) -> None:
    held = state == "authorized"
    create = a_create_payment(lira("100.00"), capture="manual" if held else "auto")
    until = UNTIL if held else None
    outcome = Outcome(
        verdict=Verdict.ACCEPTED, amount=minor(10_000), held_until=until, state=ProviderState(state), lines=(OLD,)
    )

    def told(command: Any, payment: Payment) -> Any:
        return Conclude(new_id(), command, payment, amount=None, attempts=1, at=NOON).by_provider(outcome, performed())

    created = told(create, Payment(payment_id=create.payment_id))
    assert isinstance(created, PaymentCreated)
    assert (created.state, created.held_until) == (state, until)
    assert told(a_query_payment(ID), HELD).held_until == until


def test_results_of_before_say_nothing_of_it() -> None:
    told = a_payment_created(state="authorized").model_dump_json(exclude_none=True)
    assert PaymentCreated.model_validate_json(told).held_until is None


def test_connectors_that_cannot_renew_a_hold_perform_no_such_command() -> None:
    able = {name for name, connector in connectors().items() if connector.operation_for(ReauthorizePayment)}
    assert able == {"paypal"}
