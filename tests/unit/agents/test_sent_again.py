"""A request that goes out again under its key: what its answer proves of the send before it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from agents.ledger import SentAttempt
from agents.payments.decisions import Inquire
from agents.payments.perform import Performer
from agents.payments.work import Decided, Later, Patience, Step, Unsettled
from providers.connector import Attempt, Integration
from providers.exchange import Prepared
from providers.outcome import Finding, Outcome, Sighting
from providers.preparing import prepare
from providers.registry import connectors
from schemas.ids import new_id
from schemas.payments import Reason, StoredCard
from schemas.verdicts import FailureClass, Verdict
from streams.codec import Outgoing
from tests.builders import NOON, lira
from tests.unit.agents.works import Kept, a_work

KEYS = {name: SecretStr("a-key-of-theirs") for name in ("secret_key", "webhook_secret")}
STRIPE = Integration("s", connectors()["stripe"], "sandbox", "https://x.example", KEYS)


class Provider:
    """Does not know the attempt when it is asked, and answers what goes out again."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    prepare = staticmethod(prepare)

    async def inquire(self, *_: Any, deadline_s: float) -> Finding:
        assert deadline_s > 0
        return Finding(Sighting.ABSENT)

    @asynccontextmanager
    async def admission(self, *_: Any) -> AsyncIterator[None]:
        yield

    async def send(self, prepared: Prepared, *, deadline_s: float) -> Outcome:
        assert prepared.integration is STRIPE
        assert deadline_s > 0
        return self.outcome


class Marks:
    """A ledger that takes every mark."""

    incarnation = new_id()

    async def mark_sending(self, _: Any) -> bool:
        return True


class Records:
    def intent(self, *_: Any) -> Outgoing:
        return Outgoing("intents", b"k", b"{}", ())


async def _again(outcome: Outcome, *, sent_age_s: float = 10.0, at: Integration = STRIPE) -> Step:
    provider: Any = Provider(outcome)
    method = StoredCard(kind="stored_card", card_token="pm_1", customer_key="cus_1")
    work = a_work(method=method)
    work = replace(work, claim=replace(work.claim, lease_ends=float("inf"), sent_age_s=sent_age_s))
    operation = STRIPE.connector.operation_for(type(work.command))
    assert operation is not None
    sent = Attempt(work.command_id, 1, "ref1", work.payment, lira("12.50"))
    digest = prepare(STRIPE, operation, work.command, sent).digest
    ask = Inquire(SentAttempt(1, "s", "ref1", digest, True, 10.0, None), lira("12.50"), resend=True)
    performer = Performer(
        ledger=Marks(),  # type: ignore[arg-type]  # as much of one as a send needs
        caller=provider,
        publisher=Kept(),
        records=Records(),  # type: ignore[arg-type]  # as much of them as a send needs
        cards=None,
        patience=Patience(),
        now=lambda: NOON,
    )
    return await performer.inquire(work, ask, at, operation)


def refused(failure: FailureClass) -> Outcome:
    return Outcome(verdict=Verdict.REFUSED, reason=Reason.OTHER, failure=failure, detail="no")


async def test_keys_that_are_not_taken_any_more_say_nothing_of_the_send_before() -> None:
    assert isinstance(await _again(refused(FailureClass.CONFIGURATION)), Later)


@pytest.mark.parametrize("failure", [FailureClass.DECLINED, FailureClass.INVALID, FailureClass.STATE])
async def test_an_answer_under_the_same_key_is_that_of_the_first_send(failure: FailureClass) -> None:
    step = await _again(refused(failure))
    assert isinstance(step, Decided)
    assert step.outcome.failure is failure


async def test_a_failure_that_is_given_again_is_waited_out_ever_longer_and_ends_as_unknown() -> None:
    unknown = Outcome(verdict=Verdict.UNKNOWN, reason=Reason.OUTCOME_UNKNOWN, detail="HTTP 500")
    waits = [await _again(unknown, sent_age_s=age_s) for age_s in (10.0, 800.0, 901.0)]
    assert [step.after_s for step in waits if isinstance(step, Later)] == [5.0, 400.0]
    assert isinstance(waits[-1], Unsettled)


async def test_what_cannot_be_built_again_says_nothing_of_the_send_before() -> None:
    keys = {**KEYS, "secret_key": SecretStr("sk_live_1")}
    of_the_wrong_mode = replace(STRIPE, credentials=keys)
    assert isinstance(await _again(refused(FailureClass.STATE), at=of_the_wrong_mode), Later)
