from typing import Any
from uuid import uuid4

import pytest

from agents.payments.conclude import Conclude
from agents.payments.decisions import Refuse
from providers.outcome import Outcome, ProviderState
from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import (
    CardSummary,
    CommandPending,
    CommandRefused,
    CommandUnknown,
    CreatePayment,
    LineReference,
    Payment,
    PaymentCancelled,
    PaymentCaptured,
    PaymentCommand,
    PaymentCreated,
    PaymentQueried,
    PaymentRefunded,
    Reason,
)
from schemas.personal import SealedPerson
from schemas.verdicts import FailureClass, Verdict
from tests.builders import (
    NOON,
    a_cancel_payment,
    a_capture_payment,
    a_create_payment,
    a_query_payment,
    a_refund_payment,
    lira,
    performed,
)

COMMAND = new_id()
PAYMENT = new_id()


def lira_plain(minor: int) -> Money:
    return Money(minor=minor, currency="TRY")


PAYER = SealedPerson(subject=uuid4(), sealed="c2VhbGVk")


def conclude(command: PaymentCommand, amount: Money | None = None, **payment: Any) -> Conclude:
    before = Payment(payment_id=command.payment_id, currency="TRY", **payment)
    payer = PAYER if isinstance(command, CreatePayment) else None
    return Conclude(COMMAND, command, before, amount=amount, attempts=2, at=NOON, payer=payer)


def accepted(**changed: Any) -> Outcome:
    return Outcome(verdict=Verdict.ACCEPTED, reference="22416032", **changed)


@pytest.mark.parametrize(("capture", "state"), [("auto", "captured"), ("manual", "authorized")])
def test_an_accepted_creation_says_what_was_taken_or_held(capture: str, state: str) -> None:
    command = a_create_payment(lira("12.50"), capture=capture, instalments=3)
    line = LineReference(line_id="line-1", provider_reference="9", paid=lira_plain(1250))
    card = CardSummary(association="TROY", last_four="0008")
    outcome = accepted(lines=(line,), card=card, fee=lira_plain(40))
    result = conclude(command, command.paid_price).by_provider(outcome, performed())
    assert isinstance(result, PaymentCreated)
    assert (result.state, result.instalments, result.method) == (state, 3, "provider_token")
    assert (result.price, result.paid_price, result.provider_fee) == (
        lira_plain(1250),
        lira_plain(1250),
        lira_plain(40),
    )
    assert (result.lines, result.card, result.order_id) == ((line,), card, "order-1001")
    assert (result.command_id, result.payment_id, result.attempts) == (COMMAND, command.payment_id, 2)
    assert (result.command_type, result.concluded_at, result.performed) == (command.type, NOON, performed())


def test_totals_count_what_was_moved_before() -> None:
    captured = conclude(a_capture_payment(PAYMENT), lira("30.00"), stage="authorized", held=8_000, captured=500)
    result = captured.by_provider(accepted(), performed())
    assert isinstance(result, PaymentCaptured)
    assert (result.amount, result.captured_total) == (lira_plain(3_000), lira_plain(3_500))
    refunded = conclude(a_refund_payment(PAYMENT, line_id="a"), lira("6.60"), captured=8_000, refunded=1_000)
    given_back = refunded.by_provider(accepted(), performed())
    assert isinstance(given_back, PaymentRefunded)
    assert (given_back.amount, given_back.refunded_total) == (lira_plain(660), lira_plain(1_660))
    assert given_back.line_id == "a"


@pytest.mark.parametrize(("before", "effect"), [({"held": 100}, "released"), ({"captured": 100}, "reversed")])
def test_a_cancel_says_whether_money_came_back(before: dict[str, int], effect: str) -> None:
    result = conclude(a_cancel_payment(PAYMENT), lira("1.00"), **before).by_provider(accepted(), performed())
    assert isinstance(result, PaymentCancelled)
    assert (result.effect, result.amount) == (effect, lira_plain(100))


@pytest.mark.parametrize("state", ProviderState)
def test_a_query_tells_the_providers_state(state: ProviderState) -> None:
    outcome = accepted(state=state, amount=lira_plain(1250))
    result = conclude(a_query_payment(PAYMENT)).by_provider(outcome, performed())
    assert isinstance(result, PaymentQueried)
    assert (result.provider_state, result.paid_price) == (state.value, lira_plain(1250))


def test_a_providers_refusal_keeps_its_own_code_beside_our_reason() -> None:
    outcome = Outcome(
        verdict=Verdict.REFUSED,
        reason=Reason.INSUFFICIENT_FUNDS,
        failure=FailureClass.DECLINED,
        detail="ask for another card",
        their_code="10051",
        their_group="NOT_SUFFICIENT_FUNDS",
    )
    result = conclude(a_create_payment(), lira("12.50")).by_provider(outcome, performed())
    assert isinstance(result, CommandRefused)
    assert (result.reason, result.failure) == (Reason.INSUFFICIENT_FUNDS, FailureClass.DECLINED)
    assert (result.provider_code, result.provider_group) == ("10051", "NOT_SUFFICIENT_FUNDS")
    assert result.requested == lira("12.50")


def test_a_refusal_without_a_reason_still_says_something() -> None:
    result = conclude(a_create_payment(), lira("12.50")).by_provider(Outcome(verdict=Verdict.REFUSED), performed())
    assert isinstance(result, CommandRefused)
    assert (result.reason, result.failure) == (Reason.OTHER, FailureClass.DECLINED)
    assert result.detail


def test_pending_keeps_the_page_to_show() -> None:
    outcome = Outcome(verdict=Verdict.PENDING, redirect_url="https://bank.example/3ds", their_code="p")
    result = conclude(a_create_payment(), lira("12.50")).by_provider(outcome, performed())
    assert isinstance(result, CommandPending)
    assert (result.reason, result.redirect_url) == (Reason.ACTION_REQUIRED, "https://bank.example/3ds")


def test_an_unknown_outcome_concludes_nothing_by_itself() -> None:
    with pytest.raises(ValueError, match="ask the provider first"):
        conclude(a_create_payment(), lira("12.50")).by_provider(Outcome(verdict=Verdict.UNKNOWN), performed())


def test_unknown_tells_every_reference_for_whoever_asks_the_provider() -> None:
    result = conclude(a_create_payment(), lira("12.50")).unknown(
        "nobody can say", performed=performed(), references=("r1", "r2"), first_sent_at=NOON, their_code="5087"
    )
    assert isinstance(result, CommandUnknown)
    assert (result.references, result.first_sent_at, result.provider_code) == (("r1", "r2"), NOON, "5087")
    assert (result.reason, result.requested) == (Reason.OUTCOME_UNKNOWN, lira("12.50"))


def test_our_own_refusal_names_no_provider() -> None:
    refusal = Refuse(Reason.EXPIRED, FailureClass.INVALID, "too late")
    result = conclude(a_create_payment(), lira("12.50")).refused(refusal)
    assert (result.performed, result.reason, result.requested) == (None, Reason.EXPIRED, lira("12.50"))
    own = Refuse(Reason.CURRENCY_MISMATCH, FailureClass.INVALID, "no", requested=lira_plain(1))
    assert conclude(a_create_payment(), lira("12.50")).refused(own).requested == lira_plain(1)


def test_money_in_results_is_plain_money() -> None:
    amount = lira("6.60")
    result = conclude(a_refund_payment(PAYMENT), amount, captured=8_000).by_provider(accepted(), performed())
    assert isinstance(result, PaymentRefunded)
    assert type(result.amount) is type(result.refunded_total) is Money


def test_the_same_conclusion_has_the_same_bytes() -> None:
    command = a_create_payment(lira("12.50"))
    first, second = (conclude(command, command.paid_price).by_provider(accepted(), performed()) for _ in range(2))
    assert first.model_dump_json() == second.model_dump_json()


def test_whatever_becomes_of_a_creation_its_result_names_the_sealed_payer() -> None:
    made = conclude(a_create_payment(), lira("12.50"))
    results = [
        made.by_provider(accepted(), performed()),
        made.by_provider(Outcome(verdict=Verdict.REFUSED), performed()),
        made.by_provider(Outcome(verdict=Verdict.PENDING), performed()),
        made.unknown("nobody knows", performed=performed(), references=(), first_sent_at=None),
        made.refused(Refuse(Reason.EXPIRED, FailureClass.TRANSIENT, "too late")),
    ]
    assert [getattr(result, "payer", None) for result in results] == [PAYER] * 5
