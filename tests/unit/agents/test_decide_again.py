from dataclasses import replace

import pytest

from agents.payments.decide import RESEND_MARGIN_S, attempt_number, decide
from agents.payments.decisions import Call, Inquire, Promise
from agents.payments.refusals import amount_of
from tests.builders import NOON, a_create_payment, a_refund_payment, lira
from tests.unit.agents.deciding import DAY, NO_PROMISE, a_claim, a_payment, decided, tried


def test_what_was_certainly_not_performed_is_called_again() -> None:
    claim = a_claim(attempts=(tried(maybe_sent=False), tried(number=2, maybe_sent=False)))
    assert isinstance(decided(a_create_payment(), a_payment("new"), claim), Call)


def test_an_attempt_keeps_its_number_where_it_was_made_and_is_a_further_one_elsewhere() -> None:
    attempts = (tried(maybe_sent=False), tried(number=2, maybe_sent=False))
    assert attempt_number((), "iyzico-main") == 1
    assert attempt_number(attempts, "iyzico-main") == 2
    assert attempt_number(attempts, "iyzico-other") == 3


def test_every_attempt_that_may_have_been_performed_is_asked_about_and_none_is_sent_again() -> None:
    first, second, third = tried(number=1), tried(number=2, maybe_sent=False), tried(number=3)
    claim = a_claim(attempts=(first, second, third), sent_age_s=1.0)
    asked = decided(a_create_payment(lira("12.50")), a_payment("new"), claim, DAY)
    assert asked == Inquire(third, lira("12.50"), resend=False, earlier=(first,))


@pytest.mark.parametrize(
    ("promise", "sent_age_s", "resend"),
    [
        (NO_PROMISE, 1.0, False),
        (DAY, 1.0, True),
        (DAY, 86_400 - RESEND_MARGIN_S - 1, True),
        (DAY, 86_400 - RESEND_MARGIN_S, False),
        (DAY, 10 * 86_400.0, False),
        (Promise(None, 600.0), 599.0, False),
        (Promise(None, 600.0), 600.0, True),
    ],
)
def test_only_what_the_provider_deduplicates_may_go_out_again(
    promise: Promise, sent_age_s: float, resend: bool
) -> None:
    attempt = tried(age_s=sent_age_s)
    claim = a_claim(attempts=(attempt,), sent_age_s=sent_age_s)
    asked = decided(a_create_payment(lira("12.50")), a_payment("new"), claim, promise)
    assert asked == Inquire(attempt, lira("12.50"), resend=resend)


def test_absence_is_counted_from_the_last_send_not_from_the_first() -> None:
    claim = a_claim(attempts=(tried(age_s=5.0),), sent_age_s=5_000.0)
    assert not decided(a_create_payment(), a_payment("new"), claim, Promise(None, 600.0)).resend


def test_the_promise_to_repeat_is_counted_from_the_first_send_not_from_the_last() -> None:
    claim = a_claim(attempts=(tried(age_s=5.0),), sent_age_s=90_000.0)
    assert not decided(a_create_payment(), a_payment("new"), claim, DAY).resend


def test_no_operation_means_no_resend() -> None:
    claim = a_claim(attempts=(tried(),), sent_age_s=1.0)
    asked = decide(claim, a_payment("new"), a_create_payment(), None, now=NOON)
    assert isinstance(asked, Inquire)
    assert not asked.resend


def test_the_amount_of_an_open_command_is_the_same_when_it_is_looked_at_again() -> None:
    payment, command = a_payment(refunded=1_000), a_refund_payment()
    first = decided(command, payment)
    claim = a_claim(attempts=(tried(),), sent_age_s=1.0)
    assert decided(command, payment, replace(claim)).amount == first.amount == amount_of(command, payment)
