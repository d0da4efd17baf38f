from datetime import UTC, datetime

import pytest

from providers.breaker import Signal
from providers.connector import Answer
from providers.judging import checked_amount, retry_after_s, signal_of
from providers.outcome import Finding, Outcome, Sighting
from schemas.errors import HubError, NotSent, OutcomeUnknown, Throttled
from schemas.money import Money
from schemas.verdicts import FailureClass, Verdict
from tests.builders import a_create_payment, a_refund_payment, lira
from tests.conformance.samples import an_attempt

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def _error(kind: type[NotSent] | type[OutcomeUnknown], reason: str) -> HubError:
    return kind("x", provider="p", operation="o", reason=reason)


@pytest.mark.parametrize(
    ("ended", "signal"),
    [
        (Outcome(verdict=Verdict.ACCEPTED), Signal.SUCCESS),
        (Outcome(verdict=Verdict.PENDING), Signal.SUCCESS),
        (Outcome(verdict=Verdict.REFUSED, failure=FailureClass.DECLINED), Signal.NEUTRAL),
        (Outcome(verdict=Verdict.REFUSED, failure=FailureClass.INVALID), Signal.NEUTRAL),
        (Outcome(verdict=Verdict.UNKNOWN, failure=FailureClass.UNKNOWN), Signal.NEUTRAL),
        (Outcome(verdict=Verdict.UNKNOWN, failure=FailureClass.UNKNOWN, their_fault=True), Signal.FAILURE),
        (Finding(Sighting.CONCLUDED), Signal.SUCCESS),
        (Finding(Sighting.ABSENT), Signal.NEUTRAL),
        (_error(NotSent, "no_connection"), Signal.FAILURE),
        (_error(NotSent, "pool_exhausted"), Signal.NEUTRAL),
        (_error(NotSent, "breaker_open"), Signal.NEUTRAL),
        (_error(OutcomeUnknown, "timeout"), Signal.FAILURE),
        (_error(OutcomeUnknown, "server_error"), Signal.FAILURE),
        (_error(OutcomeUnknown, "unanswered"), Signal.NEUTRAL),
        (Throttled("x", provider="p", operation="o", retry_after_s=None), Signal.NEUTRAL),
    ],
    ids=str,
)
def test_only_faults_of_the_far_side_count_for_the_breaker(ended: Outcome | Finding | HubError, signal: Signal) -> None:
    assert signal_of(ended) is signal


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("Wed, 25 Nov 2026 12:00:30 GMT", 30.0),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("9" * 400, None),
        ("١٢", None),
    ],
)
def test_the_pause_that_an_answer_asks_for(text: str, seconds: float | None) -> None:
    assert retry_after_s(Answer(429, {"retry-after": text}, b"", None), NOW) == seconds


def _accepted(amount: Money | None) -> Outcome:
    return Outcome(verdict=Verdict.ACCEPTED, reference="22416032", amount=amount, their_code="7")


def test_an_amount_that_was_not_asked_for_is_an_anomaly_with_its_facts_kept() -> None:
    """A partial refund of 6.60 that is answered with all of 46.60."""
    judged = checked_amount(_accepted(lira("46.60")), a_refund_payment(), an_attempt("captured", lira("6.60")))
    assert (judged.verdict, judged.failure) == (Verdict.UNKNOWN, FailureClass.UNKNOWN)
    assert (judged.amount, judged.reference, judged.their_code) == (lira("46.60"), "22416032", "7")
    assert "6.60 TRY" in judged.detail
    assert "46.60 TRY" in judged.detail


@pytest.mark.parametrize("amount", [None, Money(minor=660, currency="USD"), lira("6.61")], ids=str)
def test_another_currency_or_no_amount_is_one_too(amount: Money | None) -> None:
    judged = checked_amount(_accepted(amount), a_refund_payment(), an_attempt("captured", lira("6.60")))
    assert judged.verdict is Verdict.UNKNOWN


def test_the_same_amount_passes() -> None:
    outcome = _accepted(Money(minor=660, currency="TRY"))
    assert checked_amount(outcome, a_refund_payment(), an_attempt("captured", lira("6.60"))) is outcome


def test_a_creation_is_measured_by_its_paid_price() -> None:
    command = a_create_payment(lira("12.50"))
    assert checked_amount(_accepted(lira("12.50")), command, an_attempt()).verdict is Verdict.ACCEPTED
    assert checked_amount(_accepted(lira("12.51")), command, an_attempt()).verdict is Verdict.UNKNOWN


def test_what_the_payer_pays_beyond_what_was_asked_is_measured_apart() -> None:
    command = a_create_payment(lira("12.50"))
    paid = Outcome(verdict=Verdict.ACCEPTED, amount=lira("13.80"), surcharge=lira("1.30"))
    assert checked_amount(paid, command, an_attempt()) is paid
    less = Outcome(verdict=Verdict.ACCEPTED, amount=lira("13.80"), surcharge=lira("1.20"))
    assert checked_amount(less, command, an_attempt()).verdict is Verdict.UNKNOWN
