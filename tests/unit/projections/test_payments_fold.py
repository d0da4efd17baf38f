import json
from datetime import timedelta
from typing import Any

import pytest

from projections.payments.fold import Late, Movement, Settlement, fold
from schemas.payments import (
    PAYMENT_EVENTS,
    CardSummary,
    CompleteThreeDSecure,
    QueryPayment,
    ReauthorizePayment,
    ResolveOutcome,
)
from schemas.verdicts import FailureClass
from tests import builders as a
from tests.unit.projections.reading import entry_of


def _movement(body: object) -> Movement:
    (part,) = fold(entry_of(body))  # type: ignore[arg-type]  # any event of a payment
    assert isinstance(part, Movement)
    return part


@pytest.mark.parametrize(
    ("result", "kind", "effect", "minor"),
    [
        (a.a_payment_created(a.lira("7.00"), state="authorized"), "create", "authorized", 700),
        (a.a_payment_created(a.money("500", "JPY")), "create", "captured", 500),
        (a.a_payment_captured(a.money("1.500", "KWD")), "capture", "captured", 1500),
        (a.a_payment_cancelled(a.lira("7.00"), effect="released"), "cancel", "released", 700),
        (a.a_payment_cancelled(a.lira("7.00")), "cancel", "reversed", 700),
        (a.a_payment_refunded(a.lira("0.01")), "refund", "refunded", 1),
        (a.a_share_transferred(a.lira("4.00")), "transfer", "transferred", 400),
        (a.a_start_pending(), "create", None, 1250),
        (a.a_command_unknown(command_type=CompleteThreeDSecure.type), "complete", None, 1250),
        (a.a_command_refused(requested=None), "create", None, None),
        (a.a_command_pending(), "create", None, 1250),
        (a.a_command_unknown(command_type="payments.cancel.v1"), "cancel", None, 1250),
    ],
)
def test_each_result_is_one_movement(result: object, kind: str, effect: str | None, minor: int | None) -> None:
    row = _movement(result)
    assert (row.kind, row.effect, row.result_minor) == (kind, effect, minor)


def test_reasons_and_their_codes_stand_side_by_side() -> None:
    row = _movement(a.a_command_refused(provider_group="NOT_SUFFICIENT_FUNDS"))
    assert (row.verdict, row.reason, row.provider_code) == ("refused", "insufficient_funds", "10051")
    assert json.loads(row.gateway_response)["provider_group"] == "NOT_SUFFICIENT_FUNDS"


def test_a_refused_query_is_no_movement_of_money() -> None:
    assert fold(entry_of(a.a_command_refused(command_type=QueryPayment.type))) == ()


def test_a_renewed_hold_is_a_row_that_says_until_when_and_moves_nothing() -> None:
    row = _movement(a.a_payment_reauthorized(a.lira("7.00")))
    assert (row.kind, row.verdict, row.effect, row.result_minor) == ("reauthorize", "accepted", None, 700)
    assert row.held_until == a.NOON + timedelta(days=29)
    unknown = _movement(a.a_command_unknown(command_type=ReauthorizePayment.type))
    assert (unknown.kind, unknown.result_minor, unknown.result_currency) == ("reauthorize", None, None)
    created = _movement(a.a_payment_created(state="authorized", held_until=a.NOON))
    assert created.held_until == a.NOON
    assert "held_until" not in json.loads(created.gateway_response)


def test_a_payment_that_was_given_up_is_failed_and_says_why() -> None:
    told = {"cause": "deadline", "provider_state": "pending", "paid_price": None, "changed": "failed", "settles": True}
    (settled,) = fold(entry_of(a.a_payment_noticed(**told, abandoned=True)))
    assert isinstance(settled, Settlement)
    assert (settled.settled_state, settled.settled_minor, settled.reason) == ("failed", None, "abandoned")


def test_a_completion_settles_its_start_and_counts_no_money_of_its_own() -> None:
    row, settled = fold(entry_of(a.a_three_d_secure_completed(a.lira("7.00"), provider_fee=a.lira("0.40")), offset=7))
    assert isinstance(row, Movement)
    assert isinstance(settled, Settlement)
    assert (row.kind, row.verdict, row.effect, row.provider_fee_minor) == ("complete", "accepted", None, 40)
    assert (settled.settled_state, settled.settled_minor, settled.of_command) == ("captured", 700, None)


@pytest.mark.parametrize(("failure", "ended"), [(FailureClass.DECLINED, True), (FailureClass.TRANSIENT, False)])
def test_the_banks_no_to_a_completion_ends_its_start(failure: FailureClass, ended: bool) -> None:
    row, *settled = fold(entry_of(a.a_command_refused(command_type=CompleteThreeDSecure.type, failure=failure)))
    assert isinstance(row, Movement)
    assert (row.kind, row.verdict) == ("complete", "refused")
    assert [part.settled_state for part in settled if isinstance(part, Settlement)] == ["failed"] * ended


@pytest.mark.parametrize(("effect", "of_its_start"), [("captured", True), (None, False)])
def test_a_persons_yes_to_a_completion_settles_its_start(effect: str | None, of_its_start: bool) -> None:
    said = a.an_outcome_resolved(of_command_type=CompleteThreeDSecure.type, effect=effect)
    (part,) = fold(entry_of(said))
    assert isinstance(part, Settlement)
    assert part.of_command == (None if of_its_start else said.of_command_id)


def test_an_approved_line_moves_nothing() -> None:
    assert fold(entry_of(a.a_line_approved())) == ()
    assert fold(entry_of(a.a_command_unknown(command_type="payments.approve_line.v1"))) == ()


def test_rows_hold_no_banks_page() -> None:
    row = _movement(a.a_start_pending())
    assert json.loads(row.gateway_response)["next_action"] == {"kind": "page"}


@pytest.mark.parametrize("state", ["pending", "cancelled", "not_found"])
def test_a_query_without_a_clear_word_settles_nothing(state: str) -> None:
    assert fold(entry_of(a.a_payment_queried(provider_state=state))) == ()


def test_a_query_that_found_money_says_how_much() -> None:
    (part,) = fold(entry_of(a.a_payment_queried(provider_state="authorized"), offset=7))
    assert isinstance(part, Settlement)
    assert (part.offset, part.settled_state, part.settled_minor, part.settled_currency) == (
        7,
        "authorized",
        1250,
        "TRY",
    )


@pytest.mark.parametrize(
    ("changed", "state", "minor"),
    [
        ({"effect": "captured"}, "captured", 1250),
        ({"effect": "refunded", "of_command_type": "payments.refund.v1"}, "refunded", 1250),
        ({"effect": None, "outcome": "refused"}, "failed", None),
    ],
)
def test_a_persons_word_settles_the_command_that_it_names(
    changed: dict[str, Any], state: str, minor: int | None
) -> None:
    said = a.an_outcome_resolved(**changed)
    (part,) = fold(entry_of(said))
    assert isinstance(part, Settlement)
    assert (part.of_command, part.settled_state, part.settled_minor) == (said.of_command_id, state, minor)


@pytest.mark.parametrize("build", [a.a_command_refused, a.a_command_pending])
def test_a_word_that_settled_nothing_is_no_movement_of_money(build: Any) -> None:
    assert fold(entry_of(build(command_type=ResolveOutcome.type))) == ()


def test_a_late_outcome_is_a_part_of_its_own() -> None:
    (part,) = fold(entry_of(a.a_late_outcome()))
    assert isinstance(part, Late)
    assert (part.late_verdict, part.late_minor) == ("accepted", 1250)


def test_every_event_of_payments_is_folded() -> None:
    built = (
        a.a_payment_created(), a.a_payment_captured(), a.a_payment_cancelled(), a.a_payment_refunded(),
        a.a_payment_queried(), a.a_command_refused(), a.a_command_pending(), a.a_command_unknown(), a.a_late_outcome(),
        a.a_result_divergence(), a.a_command_rejected(), a.an_outcome_resolved(), a.a_payment_noticed(),
        a.a_three_d_secure_completed(), a.a_line_approved(), a.a_share_transferred(),
        a.a_dispute_opened(), a.a_dispute_changed(), a.a_dispute_closed(), a.a_payment_reauthorized(),
    )  # fmt: skip
    assert {type(body) for body in built} == set(PAYMENT_EVENTS)
    assert [len(fold(entry_of(body))) for body in built] == [1] * 9 + [0, 0, 1, 0, 2, 0, 1, 0, 0, 0, 1]


def test_the_provider_response_keeps_no_float() -> None:
    created = a.a_payment_created(card=CardSummary(last_four="0008", association="VISA"))
    row = _movement(created)
    kept = json.loads(row.gateway_response, parse_float=lambda number: pytest.fail(f"a float: {number}"))
    assert kept["card"]["last_four"] == "0008"
    assert kept["lines"][0]["paid"] == {"minor": 1250, "currency": "TRY"}


def test_what_was_found_settles_an_open_creation_or_is_a_movement_of_its_own() -> None:
    amount = a.lira("12.50")
    told = {"changed": "captured", "amount": amount}
    (settled,) = fold(entry_of(a.a_payment_noticed(settles=True, **told)))
    (moved,) = fold(entry_of(a.a_payment_noticed(contradicts=True, detail="it was refused here", **told)))
    (lifted,) = fold(entry_of(a.a_payment_queried(changed="cancelled", provider_state="cancelled", amount=amount)))
    assert isinstance(settled, Settlement)
    assert (settled.settled_state, settled.settled_minor) == ("captured", 1250)
    assert isinstance(moved, Movement)
    assert (moved.kind, moved.effect, moved.result_minor) == ("capture", "captured", 1250)
    assert moved.error_message == "it was refused here"
    assert isinstance(lifted, Movement)
    assert (lifted.kind, lifted.effect, lifted.result_minor) == ("cancel", "released", 1250)
