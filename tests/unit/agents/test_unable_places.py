"""Places of a route that cannot perform a command: the others are tried, and waited for."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.parking import STOPPED
from agents.payments.decisions import Call, Refuse
from agents.payments.execute import Executor
from agents.payments.work import Later, Onward, Patience, Step
from agents.routing import NOT_READY, Way
from schemas.payments import Reason
from schemas.verdicts import FailureClass
from tests.unit.agents.works import INTEGRATIONS, a_work, came_to_nothing, places

UNSAYABLE = Refuse(Reason.CURRENCY_NOT_PERMITTED, FailureClass.INVALID, "it takes no lira")


class Provider:
    """Performs nothing; says of each integration what it is told to."""

    def __init__(self, steps: Mapping[str, Step]) -> None:
        self._steps = steps
        self.called: list[str] = []

    async def call(self, _: object, __: Call, way: Way, ___: object) -> Step:
        self.called.append(way.integration.id)
        return self._steps[way.integration.id]


class Results:
    """Keeps what commands came to."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    async def finish(self, _: object, result: Any, __: object) -> None:
        self.reasons.append(result.reason)


async def stepped(steps: Mapping[str, Step], *, failed: str = "", **changed: Any) -> tuple[Any, Provider, Results]:
    """What one step of a creation comes to that the rule sends to a, then b, then c."""
    provider, results, unused = Provider(steps), Results(), None
    executor = Executor(
        performer=provider,  # type: ignore[arg-type]
        finisher=results,  # type: ignore[arg-type]
        rejections=unused,  # type: ignore[arg-type]
        lot=unused,  # type: ignore[arg-type]
        places=places(**changed),
        completions=unused,  # type: ignore[arg-type]
        subjects=None,
        patience=Patience(),
        resolve_alone_minor=0,
        now=lambda: datetime.now(UTC),
    )
    tried = tuple(came_to_nothing(name) for name in failed)
    return await executor.step(a_work(failed=tried)), provider, results


async def test_what_the_first_cannot_say_is_said_at_the_next() -> None:
    step, provider, results = await stepped({"a": UNSAYABLE, "b": came_to_nothing("b")})
    assert provider.called == ["a", "b"]
    assert (step, results.reasons) == (Onward((came_to_nothing_of(step, "b"),)), [])


def came_to_nothing_of(step: Any, name: str) -> Any:
    (failed,) = step.failed
    assert failed.integration.id == name
    return failed


async def test_a_command_that_no_place_can_say_is_refused_as_the_first_says() -> None:
    others = replace(UNSAYABLE, reason=Reason.INVALID_AMOUNT)
    _, provider, results = await stepped({"a": UNSAYABLE, "b": others, "c": others})
    assert (provider.called, results.reasons) == (["a", "b", "c"], [Reason.CURRENCY_NOT_PERMITTED])


async def test_a_fallback_that_cannot_say_it_does_not_refuse_what_the_first_may_perform_later() -> None:
    step, provider, results = await stepped({"b": UNSAYABLE, "c": UNSAYABLE}, failed="a")
    assert (provider.called, results.reasons) == (["b", "c"], [])
    assert isinstance(step, Later)
    assert step.why == "no_connection"


async def test_a_card_that_is_gone_is_gone_everywhere() -> None:
    gone = replace(UNSAYABLE, reason=Reason.CARD_EXPIRED)
    _, provider, results = await stepped({"a": gone})
    assert (provider.called, results.reasons) == (["a"], [Reason.CARD_EXPIRED])


@pytest.mark.parametrize(
    ("unable", "stopped", "lacking", "waits_for"),
    [("a", "bc", "", ("b", STOPPED)), ("", "ab", "c", ("c", NOT_READY)), ("", "abc", "", ("a", STOPPED))],
)
async def test_a_command_waits_for_an_integration_that_can_perform_it(
    unable: str, stopped: str, lacking: str, waits_for: tuple[str, str]
) -> None:
    there = {name: replace(one, lacks="it" if name in lacking else None) for name, one in INTEGRATIONS.items()}
    steps = dict.fromkeys(unable, UNSAYABLE)
    step, _, results = await stepped(steps, stopped=lambda: set(stopped), integrations=there)
    assert isinstance(step, Later)
    assert ((step.integration_id, step.why), step.counts, results.reasons) == (waits_for, False, [])
