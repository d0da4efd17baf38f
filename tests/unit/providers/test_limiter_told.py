"""What the provider says of its limit, and what one worker of several may use of it."""

import asyncio

import pytest

from providers.connector import LimitReading, RateLimit
from providers.limiter import LONGEST_PAUSE_S, RateLimiter
from schemas.errors import Throttled
from tests.virtual_time import run, turns


class Trial:
    def __init__(self, limit: RateLimit | None = None, **given: object) -> None:
        self.now = 100.0
        self.parts = 1.0
        self.limiter = RateLimiter(
            limit,
            clock=lambda: self.now,
            provider="p",
            operation="create",
            share=lambda: self.parts,
            **given,  # type: ignore[arg-type]  # each test gives what it is about
        )

    async def granted(self, tries: int) -> int:
        return sum([await self.one() is None for _ in range(tries)])

    async def one(self) -> float | None:
        """None when it was let through, else when to come back."""
        try:
            await self.limiter.acquire(wait_s=0)
        except Throttled as throttled:
            return throttled.retry_after_s
        return None


@pytest.mark.parametrize(("calls", "parts", "granted"), [(50, 1 / 3, 16), (50, 1.0, 50), (10, 0.25, 2), (3, 0.1, 1)])
async def test_a_worker_keeps_to_its_share_and_always_has_one_call(calls: int, parts: float, granted: int) -> None:
    trial = Trial(RateLimit(calls, 60))
    trial.parts = parts
    assert await trial.granted(60) == granted


async def test_a_share_that_shrinks_counts_what_was_used_before() -> None:
    trial = Trial(RateLimit(10, 60))
    assert await trial.granted(6) == 6
    trial.parts = 0.5
    assert await trial.granted(3) == 0
    trial.parts = 1.0
    assert await trial.granted(9) == 4


async def test_the_share_is_what_a_report_shows() -> None:
    trial = Trial(RateLimit(10, 60))
    trial.parts = 0.5
    await trial.granted(7)
    limiter = trial.limiter
    assert (limiter.calls, limiter.allowed, limiter.used, limiter.put_off) == (10, 5, 5, 2)
    assert limiter.resets_in_s == 60
    trial.now += 60
    assert (limiter.used, limiter.resets_in_s) == (0, 0)


async def test_a_pause_that_the_provider_asks_for_closes_the_limit() -> None:
    trial = Trial(RateLimit(10, 60))
    assert trial.limiter.close(17) == 17
    assert await trial.one() == 17
    trial.now += 17
    assert await trial.one() is None
    assert trial.limiter.turned_away == 1


async def test_it_closes_where_no_limit_is_declared_too() -> None:
    trial = Trial(None)
    assert await trial.granted(100) == 100
    trial.limiter.close(5)
    assert await trial.one() == 5
    trial.now += 5
    assert await trial.granted(100) == 100


async def test_a_pause_without_a_length_doubles_until_an_answer_comes() -> None:
    trial = Trial(RateLimit(10, 10), untold_pause_s=1.0)
    pauses = []
    for _ in range(6):
        pauses.append(trial.limiter.close(None))
        trial.now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 10, 10]
    trial.limiter.answered()
    assert trial.limiter.close(None) == 1


async def test_nobody_is_kept_away_for_ever_by_one_answer() -> None:
    trial = Trial(RateLimit(10, 60))
    trial.limiter.close(30 * 24 * 3600)
    trial.now += LONGEST_PAUSE_S
    assert await trial.one() is None


async def test_calls_left_by_the_provider_count_beside_the_declared_limit() -> None:
    trial = Trial(RateLimit(10, 60))
    trial.limiter.heard(LimitReading(100, 3, 20))
    assert await trial.granted(3) == 3
    assert await trial.one() == 20
    trial.now += 20
    assert await trial.granted(20) == 7


async def test_an_older_answer_does_not_give_calls_back() -> None:
    trial = Trial(RateLimit(100, 60))
    trial.limiter.heard(LimitReading(100, 2, 20))
    trial.limiter.heard(LimitReading(100, 5, 20.4))
    assert await trial.granted(9) == 2


async def test_a_new_window_of_the_provider_begins_anew() -> None:
    trial = Trial(RateLimit(100, 60))
    trial.limiter.heard(LimitReading(100, 0, 2))
    assert await trial.one() == 2
    trial.now += 3
    trial.limiter.heard(LimitReading(100, 4, 60))
    assert await trial.granted(9) == 4


async def test_those_who_are_put_off_come_back_one_after_another() -> None:
    trial = Trial(RateLimit(10, 60))
    await trial.granted(10)
    assert [await trial.one() for _ in range(4)] == [60, 66, 72, 78]


def test_who_waits_is_held_when_the_provider_closes_meanwhile() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        limiter = RateLimiter(RateLimit(1, 1), clock=loop.time, provider="p", operation="create")
        await limiter.acquire(wait_s=0)
        patient = asyncio.create_task(limiter.acquire(wait_s=10))
        hasty = asyncio.create_task(limiter.acquire(wait_s=2))
        await turns()
        limiter.close(5)
        await patient
        assert loop.time() >= 5
        with pytest.raises(Throttled):
            await hasty

    run(main())


def test_a_waiter_that_is_cancelled_keeps_its_place_in_the_count() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        limiter = RateLimiter(RateLimit(1, 10), clock=loop.time, provider="p", operation="create")
        await limiter.acquire(wait_s=0)
        waiting = asyncio.create_task(limiter.acquire(wait_s=20))
        await turns()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await limiter.acquire(wait_s=30)
        assert loop.time() == 20

    run(main())
