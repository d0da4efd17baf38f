"""Payments whose provider takes the money by a completion alone, however they were begun."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from agents.payments.completions import SOURCE, completion_id, order_of
from agents.payments.conclude import Conclude
from agents.payments.noticing import Noticing
from agents.payments.payer_time import payer_has_s
from agents.payments.places import Places
from agents.payments.rebuilding import Standing
from agents.payments.refusals import amount_of, refusal_of
from agents.payments.work import Decided, Patience, Work
from providers.connector import Attempt, Integration
from providers.outcome import Outcome, ProviderState
from providers.registry import connectors
from schemas.ids import created_at, new_id
from schemas.payments import (
    CompleteThreeDSecure,
    CreatePayment,
    HostedPage,
    Payment,
    PaymentCommand,
    Reason,
    Redirect,
    Result,
    TakeNotice,
)
from schemas.verdicts import FailureClass, Verdict
from streams.codec import decode, digest
from tests.builders import (
    NOON,
    a_cancel_payment,
    a_command_pending,
    a_command_refused,
    a_command_unknown,
    a_complete_three_d_secure,
    a_create_payment,
    a_payment_noticed,
    a_payment_queried,
    a_take_notice,
    a_three_d_secure_completed,
    lira,
    performed,
)
from tests.unit.agents.works import Kept, a_work, completions

ID = new_id()
PAID = lira("12.50")
UNTIL = NOON + timedelta(hours=1)
PAGE = Redirect(url="https://www.paypal.com/checkoutnow?token=O-1")
CREATION = CreatePayment.type
COMPLETION = CompleteThreeDSecure.type
WAITING = a_command_pending(
    payment_id=ID, order_id="order-1001", capture="auto", next_action=PAGE, deadline=UNTIL, performed=performed()
)
NOT_AGREED = a_command_refused(
    command_type=COMPLETION, failure=FailureClass.STATE, reason=Reason.AUTHENTICATION_REQUIRED
)
DECLINED = a_command_refused(command_type=COMPLETION)
LOST = a_command_unknown(command_type=COMPLETION)
GIVEN_UP = a_payment_noticed(provider_state="pending", changed="failed", abandoned=True)
REVIEWED = a_command_pending(command_type=COMPLETION, reason=Reason.UNDER_REVIEW)
ACCOUNTS = {
    name: Integration(name, connector, "sandbox", "https://x.example", {}) for name, connector in connectors().items()
}


def after(*results: Result) -> Payment:
    payment = Payment(payment_id=ID)
    for result in results:
        payment = payment.after(type(result).model_validate_json(result.model_dump_json(exclude_none=True)))
    return Payment.model_validate_json(payment.model_dump_json(exclude_defaults=True))


def refused(*before: Result, awaits_completion: bool = True) -> Reason | None:
    refusal = refusal_of(a_complete_three_d_secure(ID), after(*before), awaits_completion=awaits_completion)
    return None if refusal is None else refusal.reason


# What may be completed.


@pytest.mark.parametrize("before", [(WAITING,), (WAITING, NOT_AGREED), (WAITING, NOT_AGREED, NOT_AGREED)])
def test_a_creation_is_completed_where_its_provider_takes_nothing_else(before: tuple[Result, ...]) -> None:
    assert refused(*before) is None
    assert refused(*before, awaits_completion=False) is Reason.INVALID_STATE
    amount = amount_of(a_complete_three_d_secure(ID), after(*before))
    assert amount is not None
    assert (amount.minor, amount.currency) == (1250, "TRY")


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ((WAITING, a_three_d_secure_completed()), Reason.INVALID_STATE),
        ((WAITING, LOST), Reason.PAYMENT_UNSETTLED),
        ((WAITING, REVIEWED), Reason.PAYMENT_UNSETTLED),
        ((WAITING, DECLINED), Reason.INVALID_STATE),
        ((WAITING, GIVEN_UP), Reason.INVALID_STATE),
        ((WAITING, a_payment_queried(changed="captured", amount=PAID, settles=True)), Reason.INVALID_STATE),
        ((a_command_unknown(),), Reason.PAYMENT_UNSETTLED),
        ((), Reason.PAYMENT_NOT_FOUND),
    ],
)
def test_nothing_is_completed_twice_nor_what_is_over(before: tuple[Result, ...], reason: Reason) -> None:
    assert refused(*before) is reason


def test_connectors_say_by_themselves_whether_they_complete_creations() -> None:
    places = Places(integrations=ACCOUNTS, paused_s=lambda *_: 0.0)
    known = Payment(payment_id=ID)
    found = {name for name in ACCOUNTS if places.awaits_completion(known.model_copy(update={"integration_id": name}))}
    assert found == {"paypal"}
    assert places.awaits_completion(known.model_copy(update={"integration_id": "gone"})), "its being gone is told"


def test_a_completion_that_was_not_agreed_to_leaves_the_payment_waiting_until_its_deadline() -> None:
    before = after(WAITING)
    assert before.after(NOT_AGREED).model_copy(update={"complete_reference": None}) == before
    assert before.after(NOT_AGREED).waits_until == UNTIL


_WORDS: tuple[PaymentCommand, ...] = (
    a_complete_three_d_secure(ID),
    a_complete_three_d_secure(ID, token="O-1"),
    a_create_payment(PAID, payment_id=ID),
    a_cancel_payment(ID),
)
_ANSWERS = ["accepted", "not agreed", "refused", "unknown", "pending"]


@pytest.mark.parametrize("verdicts", list(itertools.product(_ANSWERS, repeat=2)))
def test_money_is_taken_once_whatever_is_ordered_and_answered(verdicts: tuple[str, str]) -> None:
    for order in itertools.permutations(_WORDS):
        payment, taken = after(WAITING), 0
        answers = itertools.cycle(verdicts)
        for command in order:
            if refusal_of(command, payment, awaits_completion=True) is not None:
                continue
            result = _answered(command, payment, next(answers))
            taken += result.verdict == "accepted" and isinstance(command, CompleteThreeDSecure)
            payment = payment.after(result)
        assert taken <= 1
        assert payment.captured in {0, 1250}


def _answered(command: PaymentCommand, payment: Payment, answer: str) -> Any:
    amount = amount_of(command, payment) or PAID
    conclude = Conclude(new_id(), command, payment, amount=amount, attempts=1, at=NOON)
    if answer == "unknown":
        return conclude.unknown("nobody knows", performed=performed(), references=(), first_sent_at=NOON)
    if answer == "not agreed":
        return conclude.by_provider(Outcome(verdict=Verdict.REFUSED, failure=FailureClass.STATE), performed())
    return conclude.by_provider(Outcome(verdict=Verdict(answer), amount=amount), performed())


def test_what_was_agreed_to_at_once_waits_for_its_completion_no_longer_than_any_payer_is_waited_for() -> None:
    command = a_create_payment(method=HostedPage(kind="hosted_page", return_url="https://shop.example/done"))
    agreed = Outcome(verdict=Verdict.PENDING, reason=Reason.ACTION_REQUIRED, payer_agreed=True)
    assert payer_has_s(command, agreed, connectors()["paypal"], Patience(abandon_after_s=3_600)) == 3_600


def test_a_rebuild_finds_the_payment_as_its_completions_left_it() -> None:
    standing = Standing(f"payments/{ID}")
    for result in (WAITING, NOT_AGREED):
        standing.add(result)
    assert standing.deadline == (f"payments/{ID}", WAITING.command_id, UNTIL)
    standing.add(a_three_d_secure_completed(payment_id=ID))
    taken = Payment.model_validate_json(standing.row[1])
    assert (taken.stage, taken.captured, taken.waits_until) == ("captured", 1250, None)


# What the hub orders by itself.

AGREED = Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.PENDING, payer_agreed=True, to_be_completed=True)


async def ordered(outcome: Outcome, *before: Result, at: str = "paypal", **changed: Any) -> list[Any]:
    """The completions that a notice leads to, when its provider answers so."""
    names = {"integration_id": at, "provider_reference": "O-1", "create_reference": "ref1"}
    payment = after(*before).model_copy(update=names)
    heard = {"integration_id": at, "our_reference": None, "provider_reference": "O-1", "said": "pending"}
    notice = a_take_notice(ID, **(heard | changed))
    given = a_work()
    work = Work(given.delivery, new_id(), notice, payment, given.claim, "/shop")

    class Provider:
        async def call(self, *_: object) -> Decided:
            return Decided(outcome, ACCOUNTS[at], Attempt(work.command_id, 1, "question", payment))

    kept, provider = Kept(), Provider()
    places = Places(integrations=ACCOUNTS, paused_s=lambda *_: 0.0)
    step = await Noticing(provider, places, Patience(), completions(kept), lambda: NOON).ask(work, notice)  # type: ignore[arg-type] # a stand-in that answers
    assert isinstance(step, Decided)
    assert step.outcome.state is outcome.state
    models: Any = {COMPLETION: CompleteThreeDSecure}
    told = [decode(models, record.key, record.value, record.headers) for record in kept.records]
    assert [one.envelope.id for one in told] == [completion_id(work.command_id)] * len(told)
    return [one.body for one in told]


@pytest.mark.parametrize("cause", ["webhook", "return"])
async def test_the_hub_completes_what_its_payer_agreed_to_where_the_account_lets_it(cause: str) -> None:
    expected = CompleteThreeDSecure(payment_id=ID, integration_id="paypal")
    assert await ordered(AGREED, WAITING, cause=cause) == [expected]
    assert await ordered(AGREED, WAITING, NOT_AGREED, cause=cause) == [expected]


@pytest.mark.parametrize(
    ("outcome", "before", "changed"),
    [
        (Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.PENDING), (WAITING,), {}),
        (Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.PENDING, payer_agreed=True), (WAITING,), {}),
        (AGREED, (WAITING,), {"cause": "deadline", "integration_id": None, "said": None}),
        (AGREED, (WAITING,), {"our_reference": "a-further-attempt"}),
        (AGREED, (WAITING, LOST), {}),
        (AGREED, (WAITING, REVIEWED), {}),
        (AGREED, (WAITING, DECLINED), {}),
        (AGREED, (a_command_unknown(),), {}),
    ],
)
async def test_the_hub_orders_no_completion_otherwise(
    outcome: Outcome, before: tuple[Result, ...], changed: dict[str, Any]
) -> None:
    assert await ordered(outcome, *before, **changed) == []


def test_a_completion_is_one_command_however_often_its_notice_is_taken_up() -> None:
    notice_id, body = new_id(), CompleteThreeDSecure(payment_id=ID, integration_id="paypal")
    models: Any = {COMPLETION: CompleteThreeDSecure}
    seen = set()
    for at in (NOON, UNTIL):
        record = order_of("commands", notice_id, body, at)
        told = decode(models, record.key, record.value, record.headers)
        assert (told.key, told.envelope.source) == (str(ID), SOURCE)
        seen.add((told.envelope.id, digest(told.envelope, told.key, told.body)))
    assert len(seen) == 1
    assert created_at(completion_id(notice_id)) == created_at(notice_id)
    assert completion_id(new_id()) != completion_id(notice_id)


def test_a_notice_tells_whoever_sells_that_the_payer_agreed() -> None:
    def noticed(outcome: Outcome, cause: Any = "webhook", at: Any = NOON) -> Any:
        notice = TakeNotice(payment_id=ID, cause=cause)
        conclude = Conclude(new_id(), notice, after(WAITING), amount=None, attempts=1, at=at)
        return conclude.by_provider(outcome, performed())

    told = noticed(AGREED)
    assert (told.payer_agreed, told.changed, told.abandoned) == (True, None, False)
    over = noticed(AGREED, "deadline", UNTIL)
    assert (over.changed, over.abandoned) == ("failed", True), "what nobody completed in time is given up"
    assert refused(WAITING, over) is Reason.INVALID_STATE
    assert not noticed(Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.PENDING)).payer_agreed


def test_a_completion_comes_to_what_the_creation_asked_for() -> None:
    payment = after(WAITING.model_copy(update={"capture": "manual"}))
    conclude = Conclude(new_id(), a_complete_three_d_secure(ID), payment, amount=PAID, attempts=1, at=NOON)
    held = conclude.by_provider(Outcome(verdict=Verdict.ACCEPTED, amount=PAID), performed())
    assert (payment.after(held).stage, payment.after(held).held) == ("authorized", 1250)
