"""What a provider's answer comes to beside the call that made the hub ask it."""

from dataclasses import replace
from typing import Any

import pytest

from agents.payments.decisions import Call
from agents.payments.noticing import Noticing
from agents.payments.perform import Performer
from agents.payments.places import Places
from agents.payments.work import Decided, Later, Patience, Step, Work
from agents.routing import Way
from providers.connector import Attempt, Integration, Operation
from providers.outcome import Outcome, ProviderState
from providers.registry import connectors
from schemas.payments import Payment
from schemas.verdicts import Verdict
from tests.builders import a_command_pending, a_take_notice
from tests.builders.records import NOON
from tests.unit.agents.works import a_work, no_completions

ACCOUNTS = {
    name: Integration(name, connectors()[name], "sandbox", "https://x.example", {}) for name in ("paytr", "iyzico")
}
OURS = "ref1"


class Told(Performer):
    """One whose provider answers every question with the same word."""

    def __init__(self, state: ProviderState) -> None:
        self._state = state

    async def call(self, work: Work, call: Call, way: Way, operation: Operation[Any, Any]) -> Step:
        del call, operation
        outcome = Outcome(verdict=Verdict.ACCEPTED, state=self._state)
        return Decided(outcome, way.integration, Attempt(work.command_id, 1, "question", work.payment))


def a_pending_payment(at: str) -> Payment:
    pending = a_command_pending(performed=None)
    started = Payment(payment_id=pending.payment_id).after(pending)
    return started.model_copy(update={"integration_id": at, "provider": at, "create_reference": OURS})


async def heard(at: str, said: str | None, state: ProviderState, *, age_s: float = 0) -> Step:
    """What a call comes to by which `said` was told of a payment that waits for its payer."""
    payment = a_pending_payment(at)
    notice = a_take_notice(payment.payment_id, integration_id=at, our_reference=OURS, said=said)
    work = replace(a_work(), command=notice, payment=payment)
    work = replace(work, claim=replace(work.claim, claimed_age_s=age_s))
    places = Places(integrations=ACCOUNTS, paused_s=lambda *_: 0.0)
    return await Noticing(Told(state), places, Patience(), no_completions(), lambda: NOON).ask(work, notice)


async def test_a_failure_is_believed_where_the_provider_does_not_know_what_failed() -> None:
    step = await heard("paytr", "failed", ProviderState.NOT_FOUND)
    assert isinstance(step, Decided)
    assert (step.outcome.state, step.attempt.reference) == (ProviderState.FAILED, OURS)


@pytest.mark.parametrize(
    ("at", "said", "state"),
    [
        ("iyzico", "failed", ProviderState.NOT_FOUND),
        ("paytr", "cancelled", ProviderState.NOT_FOUND),
        ("paytr", "pending", ProviderState.NOT_FOUND),
        ("paytr", None, ProviderState.NOT_FOUND),
        ("paytr", "failed", ProviderState.CAPTURED),
    ],
)
async def test_of_everything_else_the_provider_s_own_word_counts(
    at: str, said: str | None, state: ProviderState
) -> None:
    step = await heard(at, said, state)
    assert isinstance(step, Decided)
    assert step.outcome.state is state


@pytest.mark.parametrize(
    ("said", "state", "age_s"),
    [
        ("captured", ProviderState.NOT_FOUND, 2_000),
        ("failed", ProviderState.PENDING, 30),
    ],
)
async def test_a_provider_behind_its_own_call_is_asked_again(said: str, state: ProviderState, age_s: float) -> None:
    assert isinstance(await heard("paytr", said, state, age_s=age_s), Later)
    assert isinstance(await heard("paytr", said, state, age_s=3_000), Decided)
