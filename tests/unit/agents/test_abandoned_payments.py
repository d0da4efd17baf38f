"""Payments that wait for their payer: until when, what the provider is asked then, and how they end."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from agents.ledger import Passed
from agents.payments.conclude import Conclude
from agents.payments.deadlines import SOURCE, order_at, order_id
from agents.payments.decisions import Refuse
from agents.payments.noticing import Noticing
from agents.payments.payer_time import payer_has_s
from agents.payments.rebuilding import Standing
from agents.payments.refusals import refusal_of
from agents.payments.work import Decided, Known, Later, Patience, Step, Unsettled, Work
from providers.connector import Attempt
from providers.outcome import Outcome, ProviderState
from providers.registry import connectors
from schemas.ids import created_at, new_id
from schemas.payments import (
    BankTransfer,
    CommandPending,
    CompleteThreeDSecure,
    CreatePayment,
    HostedPage,
    Payment,
    PaymentNoticed,
    Reason,
    Redirect,
    Result,
    ShowFrame,
    ShowPage,
    TakeNotice,
    TransferMoney,
)
from schemas.payments.transitions import given_up
from schemas.verdicts import FailureClass, Verdict
from streams.codec import decode, digest
from tests.builders import (
    NOON,
    a_command_pending,
    a_command_unknown,
    a_complete_three_d_secure,
    a_create_payment,
    a_payment_queried,
    a_start_pending,
    a_start_three_d_secure,
    a_take_notice,
    lira,
    performed,
)
from tests.unit.agents.works import INTEGRATIONS, a_work, no_completions, places

ID = new_id()
PAID = lira("12.50")
UNTIL = NOON + timedelta(hours=1)
STARTED = a_start_pending(payment_id=ID, deadline=UNTIL)
UNDECIDED = a_command_pending(command_type=CompleteThreeDSecure.type, reason=Reason.UNDER_REVIEW)
LOST = a_command_unknown(command_type=CompleteThreeDSecure.type)
PATIENCE = Patience(abandon_after_s=60, transfer_abandon_after_s=90_000, unknown_after_s=1)
PAGE = HostedPage(kind="hosted_page", return_url="https://shop.example/done")
TRANSFER = BankTransfer(kind="bank_transfer", return_url="https://shop.example/done")
FORM = ShowPage(html="<form>")


def after(*results: Result) -> Payment:
    payment = Payment(payment_id=ID)
    for result in results:
        payment = payment.after(type(result).model_validate_json(result.model_dump_json(exclude_none=True)))
    return Payment.model_validate_json(payment.model_dump_json(exclude_defaults=True))


def waiting(**changed: Any) -> Outcome:
    return Outcome(**({"verdict": Verdict.PENDING, "reason": Reason.ACTION_REQUIRED} | changed))


def noticed(state: ProviderState, *, at: datetime, payment: Payment | None = None, **changed: Any) -> PaymentNoticed:
    notice = a_take_notice(ID, cause="deadline", event_id=None)
    conclude = Conclude(new_id(), notice, payment or after(STARTED), amount=None, attempts=1, at=at)
    outcome = Outcome(verdict=Verdict.ACCEPTED, state=state, **changed)
    told = conclude.by_provider(outcome, performed())
    assert isinstance(told, PaymentNoticed)
    return told


# Until when a payment waits.


@pytest.mark.parametrize(
    ("command", "outcome", "seconds"),
    [
        (a_start_three_d_secure(), waiting(next_action=FORM), 300),
        (a_create_payment(method=PAGE), waiting(next_action=ShowFrame(url="https://x.example")), 1_800),
        (a_create_payment(method=PAGE), waiting(reason=None, redirect_url="https://x.example"), 1_800),
        (a_create_payment(method=TRANSFER), waiting(next_action=Redirect(url="https://x.example")), 90_000),
        (a_create_payment(method=PAGE), waiting(next_action=TransferMoney(url="https://x.example")), 90_000),
    ],
)
def test_a_payer_has_the_time_that_is_set_and_never_less_than_the_provider_needs(
    command: CreatePayment, outcome: Outcome, seconds: float
) -> None:
    iyzico = connectors()["iyzico"]
    assert payer_has_s(command, outcome, iyzico, PATIENCE) == seconds
    longer = Patience(abandon_after_s=200_000, transfer_abandon_after_s=200_000)
    assert payer_has_s(command, outcome, iyzico, longer) == 200_000


def test_a_payer_has_as_long_as_stripe_s_page_can_be_paid_on() -> None:
    outcome = waiting(next_action=Redirect(url="https://x.example"))
    assert payer_has_s(a_create_payment(method=PAGE), outcome, connectors()["stripe"], PATIENCE) == 24 * 3600


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        (a_create_payment(), waiting(reason=Reason.UNDER_REVIEW, next_action=FORM)),
        (a_create_payment(), waiting()),
        (a_create_payment(), Outcome(verdict=Verdict.ACCEPTED)),
        (a_complete_three_d_secure(), waiting(next_action=FORM)),
        (a_take_notice(), waiting(next_action=FORM)),
    ],
)
def test_what_waits_for_no_payer_has_no_deadline(command: Any, outcome: Outcome) -> None:
    assert payer_has_s(command, outcome, connectors()["iyzico"], PATIENCE) is None


def test_the_result_says_until_when_the_payer_is_waited_for_and_the_payment_keeps_it() -> None:
    start = a_start_three_d_secure(PAID, payment_id=ID)
    conclude = Conclude(new_id(), start, Payment(payment_id=ID), amount=PAID, attempts=1, at=NOON)
    pending = conclude.by_provider(waiting(next_action=FORM), performed(), payer_has_s=3600)
    assert isinstance(pending, CommandPending)
    assert (pending.deadline, after(pending).waits_until) == (UNTIL, UNTIL)


@pytest.mark.parametrize(
    "results",
    [
        (a_command_unknown(payment_id=ID),),
        (a_start_pending(payment_id=ID),),
        (STARTED, UNDECIDED),
        (STARTED, LOST),
        (STARTED, a_payment_queried(provider_state="failed", changed="failed", settles=True)),
    ],
    ids=["unknown", "of an earlier version", "completion undecided", "completion unknown", "over"],
)
def test_what_waits_for_more_than_its_payer_or_for_nothing_has_no_deadline(results: tuple[Result, ...]) -> None:
    assert after(*results).waits_until is None
    assert given_up(after(*results), "not_found", UNTIL) is None


# What becomes of it.


@pytest.mark.parametrize("state", [ProviderState.PENDING, ProviderState.NOT_FOUND])
def test_a_payment_that_nobody_made_in_time_is_over(state: ProviderState) -> None:
    told = noticed(state, at=UNTIL)
    assert (told.changed, told.settles, told.abandoned, told.contradicts) == ("failed", True, True, False)
    assert told.provider_state == state.value
    over = after(STARTED, told)
    assert (over.stage, over.open_commands, over.waits_until) == ("new", (), None)
    assert refusal_of(a_start_three_d_secure(payment_id=ID), over) is None, "it may be started anew"
    refused = refusal_of(a_complete_three_d_secure(ID), over)
    assert isinstance(refused, Refuse)
    assert refused.reason is Reason.INVALID_STATE


@pytest.mark.parametrize("state", [ProviderState.PENDING, ProviderState.NOT_FOUND])
def test_nothing_is_over_before_its_time_whoever_says_so(state: ProviderState) -> None:
    told = noticed(state, at=UNTIL - timedelta(milliseconds=1))
    assert (told.changed, told.settles, told.abandoned) == (None, False, False)


def test_what_the_payer_has_done_and_the_provider_decides_is_not_given_up() -> None:
    told = noticed(ProviderState.PENDING, at=UNTIL, reason=Reason.UNDER_REVIEW)
    assert (told.changed, told.settles, told.abandoned) == (None, False, False)
    assert after(STARTED, told).stage == "pending"


def test_a_question_of_another_cause_ends_nothing_however_late() -> None:
    notice = a_take_notice(ID, cause="return")
    conclude = Conclude(new_id(), notice, after(STARTED), amount=None, attempts=1, at=UNTIL)
    told = conclude.by_provider(Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.PENDING), performed())
    assert isinstance(told, PaymentNoticed)
    assert (told.changed, told.abandoned) == (None, False)


def test_a_payment_that_was_made_while_nobody_told_is_settled_by_what_its_provider_says() -> None:
    told = noticed(ProviderState.CAPTURED, at=UNTIL, amount=PAID)
    assert (told.changed, told.settles, told.abandoned, told.contradicts) == ("captured", True, False, False)
    assert after(STARTED, told).captured == 1250


def test_a_payment_that_its_provider_ended_is_failed_and_not_abandoned() -> None:
    told = noticed(ProviderState.FAILED, at=UNTIL)
    assert (told.changed, told.abandoned) == ("failed", False)


def test_money_that_comes_after_the_end_is_booked_and_contradicts() -> None:
    over = after(STARTED, noticed(ProviderState.PENDING, at=UNTIL))
    told = noticed(ProviderState.CAPTURED, at=UNTIL + timedelta(hours=1), payment=over, amount=PAID)
    assert (told.changed, told.contradicts, told.settles) == ("captured", True, False)
    assert over.after(told).captured == 1250


# Asking.


class Provider:
    """Says what it was made with."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.asked = 0

    async def call(self, *_: object) -> Step:
        self.asked += 1
        return self.step


ATTEMPT = Attempt(new_id(), 1, "ref", Payment(payment_id=ID))


def decided(outcome: Outcome) -> Decided:
    return Decided(outcome, INTEGRATIONS["a"], ATTEMPT)


async def asked(step: Step, *, payment: Payment | None = None, at: datetime = UNTIL) -> tuple[Step, int]:
    provider: Any = Provider(step)
    notice = TakeNotice(payment_id=ID, cause="deadline")
    known = (payment or after(STARTED)).model_copy(update={"integration_id": "a"})
    given = a_work()
    work = Work(given.delivery, new_id(), notice, known, given.claim, SOURCE)
    return await Noticing(provider, places(), PATIENCE, no_completions(), lambda: at).ask(work, notice), provider.asked


REFUSED = Outcome(
    verdict=Verdict.REFUSED, reason=Reason.INVALID_CREDENTIALS, failure=FailureClass.CONFIGURATION, detail="no"
)


@pytest.mark.parametrize("silent", [Unsettled("down", "a", "iyzico", ATTEMPT), decided(REFUSED)])
async def test_a_provider_that_does_not_answer_is_asked_again_without_end(silent: Step) -> None:
    step, questions = await asked(silent)
    assert isinstance(step, Later)
    assert questions == 1


async def test_what_the_provider_says_is_handed_on() -> None:
    step, _ = await asked(decided(Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.PENDING)))
    assert isinstance(step, Decided)


async def test_a_payment_that_is_settled_already_is_not_asked_about() -> None:
    over = after(STARTED, noticed(ProviderState.FAILED, at=NOON))
    step, questions = await asked(decided(REFUSED), payment=over)
    assert isinstance(step, Known)
    assert questions == 0


async def test_a_worker_whose_clock_is_a_little_behind_waits_for_the_deadline() -> None:
    step, questions = await asked(decided(REFUSED), at=UNTIL - timedelta(seconds=5))
    assert isinstance(step, Later)
    assert (step.after_s, questions) == (5.0, 0)


# The order to ask.


def test_the_order_to_ask_is_one_command_however_often_it_is_given() -> None:
    begun = new_id()
    models: Any = {TakeNotice.type: TakeNotice}
    seen = set()
    for at in (UNTIL, UNTIL + timedelta(days=3)):
        record = order_at("commands", Passed(f"payments/{ID}", begun), at)
        told = decode(models, record.key, record.value, record.headers)
        seen.add((told.envelope.id, digest(told.envelope, told.key, told.body)))
        assert (told.body.payment_id, told.body.cause) == (ID, "deadline")
    assert {one for one, _ in seen} == {order_id(begun)}
    assert len(seen) == 1
    assert order_id(new_id()) != order_id(begun)
    assert created_at(order_id(begun)) == created_at(begun), "both leave the ledger at the same time"
    assert order_id(UUID(int=7)) == order_id(UUID(int=7)), "whatever version the id is"


def test_a_rebuild_finds_the_deadlines_of_what_still_waits() -> None:
    standing = Standing(f"payments/{ID}")
    standing.add(STARTED)
    assert standing.deadline == (f"payments/{ID}", STARTED.command_id, UNTIL)
    standing.add(noticed(ProviderState.PENDING, at=UNTIL))
    assert standing.deadline is None
