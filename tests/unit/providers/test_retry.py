import asyncio
from collections.abc import Callable

import pytest

from providers.retry import RetryPolicy, retrying
from schemas.errors import NotSent, OutcomeUnknown, Throttled


def not_sent(reason: str = "no_connection") -> NotSent:
    return NotSent("no", provider="p", operation="create", reason=reason)


def throttled(after_s: float | None) -> Throttled:
    return Throttled("later", provider="p", operation="create", retry_after_s=after_s)


class Scripted:
    """Raises the given errors one after the other, then answers; knows what it was given."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.left_s: list[float] = []

    async def __call__(self, left_s: float) -> str:
        self.left_s.append(left_s)
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def _run(script: Scripted, deadline_s: float = 5, jitter: Callable[[float], float] = lambda _: 0.0) -> str:
    clock = asyncio.get_running_loop().time
    return await retrying(script, policy=RetryPolicy(tries=3), deadline_s=deadline_s, clock=clock, jitter=jitter)


async def test_a_failed_connection_and_a_pause_are_tried_again() -> None:
    script = Scripted(not_sent(), throttled(0.01))
    assert await _run(script) == "done"
    assert len(script.left_s) == 3
    assert script.left_s == sorted(script.left_s, reverse=True)


@pytest.mark.parametrize(
    "error",
    [
        OutcomeUnknown("?", provider="p", operation="create", reason="timeout"),
        not_sent("breaker_open"),
        not_sent("pool_exhausted"),
        not_sent("provider_transient"),
        ValueError("a bug"),
    ],
    ids=repr,
)
async def test_nothing_else_is_tried_again(error: Exception) -> None:
    script = Scripted(error)
    with pytest.raises(type(error)):
        await _run(script)
    assert len(script.left_s) == 1


async def test_tries_end() -> None:
    script = Scripted(*(not_sent() for _ in range(9)))
    with pytest.raises(NotSent):
        await _run(script)
    assert len(script.left_s) == 3


async def test_a_pause_longer_than_what_is_left_is_raised_at_once() -> None:
    script = Scripted(throttled(60))
    with pytest.raises(Throttled):
        await asyncio.wait_for(_run(script), 1)
    assert len(script.left_s) == 1


async def test_a_pause_longer_than_a_short_one_is_not_waited_for() -> None:
    script = Scripted(throttled(3))
    with pytest.raises(Throttled):
        await asyncio.wait_for(_run(script, deadline_s=30), 1)
    assert len(script.left_s) == 1


async def test_an_unknown_outcome_after_a_failed_connection_ends_it() -> None:
    script = Scripted(not_sent(), OutcomeUnknown("?", provider="p", operation="create", reason="timeout"))
    with pytest.raises(OutcomeUnknown):
        await _run(script)
    assert len(script.left_s) == 2


async def test_jitter_is_drawn_from_a_bound_that_doubles_up_to_its_limit() -> None:
    bounds: list[float] = []

    def drawn(bound_s: float) -> float:
        bounds.append(bound_s)
        return 0.0

    policy = RetryPolicy(tries=6, base_s=0.5, longest_s=2.0)
    clock = asyncio.get_running_loop().time
    with pytest.raises(NotSent):
        await retrying(
            Scripted(*(not_sent() for _ in range(9))), policy=policy, deadline_s=5, clock=clock, jitter=drawn
        )
    assert bounds[:5] == [0.5, 1.0, 2.0, 2.0, 2.0]


async def test_a_cancellation_goes_through() -> None:
    async def cancelled(_left_s: float) -> str:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await retrying(cancelled, policy=RetryPolicy(), deadline_s=5, clock=asyncio.get_running_loop().time)
