"""Rate limits that workers share through a real Redis, and what becomes of them while it is away."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.local.redis import LocalRedis
from providers.connector import LimitReading, RateLimit
from providers.limit_headers import x_limits
from providers.limiter import RateLimiter
from providers.shared_store import SharedStore
from schemas.errors import Throttled
from tests.conformance.far_side import answering
from tests.stack import fresh_name
from tests.unit.providers.refunds import a_trial

HOUR = 3600
"""A window that no test outlives, so that none depends on how fast it runs."""


@dataclass
class Clock:
    """Of one worker; each is set otherwise, and only tests move it. Redis has its own."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@dataclass
class Workers:
    limiters: list[RateLimiter]
    stores: list[SharedStore]
    clocks: list[Clock]

    async def granted(self, tries: int) -> int:
        """How many of `tries` calls, spread over the workers, are let through."""
        turns = (self.limiters[number % len(self.limiters)] for number in range(tries))
        ends = await asyncio.gather(*(limiter.acquire(wait_s=0) for limiter in turns), return_exceptions=True)
        assert {type(end) for end in ends if end is not None} <= {Throttled}
        return ends.count(None)

    def later(self, seconds: float) -> None:
        """Long enough for the next request to try Redis again."""
        for clock in self.clocks:
            clock.ahead += seconds


@asynccontextmanager
async def workers(redis: LocalRedis, count: int, limit: RateLimit, *, deadline_s: float = 5) -> AsyncIterator[Workers]:
    namespace = fresh_name("r")
    made = Workers([], [], [Clock(ahead=1_000.0 * number) for number in range(count)])
    async with AsyncExitStack() as stack:
        for clock in made.clocks:
            store = SharedStore(redis.url, namespace=namespace, deadline_s=deadline_s, clock=clock)
            made.stores.append(await stack.enter_async_context(store))
            made.limiters.append(
                RateLimiter(
                    limit,
                    clock=clock,
                    provider="p",
                    operation="create",
                    integration_id="m1",
                    share=lambda: 1 / count,
                    store=store,
                )
            )
        yield made


async def test_all_workers_together_keep_the_limit(redis: LocalRedis) -> None:
    async with workers(redis, 4, RateLimit(10, HOUR)) as made:
        assert await made.granted(60) == 10
        assert sum(limiter.used for limiter in made.limiters) == 10
        assert {(limiter.shared, limiter.allowed) for limiter in made.limiters} == {(True, 10)}


async def test_one_worker_alone_may_use_all_of_it(redis: LocalRedis) -> None:
    async with workers(redis, 4, RateLimit(10, HOUR)) as made:
        made.limiters[1:] = []
        assert await made.granted(20) == 10


async def test_no_window_holds_more_however_the_waiting_interleave(redis: LocalRedis) -> None:
    """Forty turns of five in 0.2 s take seven windows at the least, whichever worker has them."""
    async with workers(redis, 4, RateLimit(5, 0.2)) as made:
        began = time.monotonic()
        await asyncio.gather(*(made.limiters[number % 4].acquire(wait_s=60) for number in range(40)))
        assert time.monotonic() - began >= 7 * 0.2 - 0.01


async def test_who_is_put_off_is_told_how_long(redis: LocalRedis) -> None:
    async with workers(redis, 2, RateLimit(1, HOUR)) as made:
        assert await made.granted(1) == 1
        with pytest.raises(Throttled) as throttled:
            await made.limiters[1].acquire(wait_s=0)
        assert throttled.value.retry_after_s == pytest.approx(HOUR, abs=100)


async def test_a_pause_that_one_worker_heard_of_holds_all(redis: LocalRedis) -> None:
    async with workers(redis, 3, RateLimit(10, HOUR)) as made:
        made.limiters[0].close(600)
        await made.limiters[0].pass_on()
        for limiter in made.limiters:
            with pytest.raises(Throttled) as throttled:
                await limiter.acquire(wait_s=0)
            assert throttled.value.retry_after_s == pytest.approx(600, abs=100)
        assert [limiter.used for limiter in made.limiters] == [0, 0, 0]


async def test_who_waits_at_another_worker_is_held_by_a_pause_too(redis: LocalRedis) -> None:
    async with workers(redis, 2, RateLimit(1, 0.2)) as made:
        await made.limiters[0].acquire(wait_s=0)
        waiting = asyncio.create_task(made.limiters[1].acquire(wait_s=1))
        await asyncio.sleep(0)
        made.limiters[0].close(600)
        await made.limiters[0].pass_on()
        with pytest.raises(Throttled):
            await waiting


async def test_calls_left_by_the_provider_are_shared(redis: LocalRedis) -> None:
    async with workers(redis, 3, RateLimit(100, HOUR)) as made:
        made.limiters[0].heard(LimitReading(100, 4, 600))
        await made.limiters[0].pass_on()
        assert await made.granted(30) == 4


async def test_two_callers_count_together_and_hear_of_each_others_429(redis: LocalRedis) -> None:
    namespace = fresh_name("r")
    async with (
        SharedStore(redis.url, namespace=namespace, deadline_s=5) as one_store,
        SharedStore(redis.url, namespace=namespace, deadline_s=5) as other_store,
        a_trial(limit=RateLimit(3, HOUR), store=one_store) as one,
        a_trial(limit=RateLimit(3, HOUR), store=other_store) as other,
    ):
        await one.refund()
        await other.refund()
        one.far.behaviour = answering(429, b"", Retry_After="600")
        for trial in (one, other):
            with pytest.raises(Throttled) as throttled:
                await trial.refund()
            assert throttled.value.retry_after_s is not None
            assert 590 <= throttled.value.retry_after_s <= HOUR
        assert len(other.far.received) == 1
        reports = [report for trial in (one, other) for report in trial.caller.limits()]
        assert [(report.used, report.turned_away, report.throttled) for report in reports] == [(2, 1, 0), (1, 0, 1)]


async def test_headers_of_one_callers_answer_hold_the_other(redis: LocalRedis) -> None:
    namespace, reads = fresh_name("r"), {"read_limits": x_limits}
    async with (
        SharedStore(redis.url, namespace=namespace, deadline_s=5) as one_store,
        SharedStore(redis.url, namespace=namespace, deadline_s=5) as other_store,
        a_trial(connector=reads, store=one_store) as one,
        a_trial(connector=reads, store=other_store) as other,
    ):
        last = {"X_RateLimit_Limit": "10", "X_RateLimit_Remaining": "1", "X_RateLimit_Reset": "900"}
        one.far.behaviour = answering(200, b'{"word":"yes"}', **last)
        await one.refund()
        await one.refund()
        with pytest.raises(Throttled):
            await other.refund()
        assert [report.calls for report in one.caller.limits()] == [10]


async def test_without_redis_each_worker_keeps_to_its_share_and_says_so_once(
    redis: LocalRedis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with workers(redis, 4, RateLimit(20, HOUR)) as made:
        await redis.stop()
        try:
            assert await made.granted(80) == 20
            assert [limiter.used for limiter in made.limiters] == [5] * 4
            assert {(limiter.shared, limiter.allowed) for limiter in made.limiters} == {(False, 5)}
            made.later(2)
            assert await made.granted(8) == 0
            assert [record.message for record in caplog.records].count(_AWAY) == 4
        finally:
            await redis.start()
        made.later(2)
        await made.granted(4)
        assert {limiter.shared for limiter in made.limiters} == {True}
        assert [record.message for record in caplog.records].count(_BACK) == 4
    texts = " ".join(str(vars(record)) for record in caplog.records)
    assert redis.url.get_secret_value().split("@")[0].removeprefix("redis://:") not in texts


async def test_a_redis_that_forgot_everything_is_told_again(redis: LocalRedis) -> None:
    """What was used before it went, and without it, counts when it is back: nobody gets a second window's worth."""
    async with workers(redis, 2, RateLimit(20, HOUR)) as made:
        assert await made.granted(8) == 8
        await redis.stop()
        try:
            made.later(2)
            # Four each were used through Redis; the share is ten.
            assert await made.granted(6) == 6
        finally:
            await redis.start()
        made.later(2)
        await made.granted(2)
        assert await made.granted(40) == 20 - 8 - 6 - 2
        assert sum(limiter.used for limiter in made.limiters) == 20


async def test_a_redis_that_hangs_holds_nobody_up_beyond_the_deadline(redis: LocalRedis) -> None:
    async with workers(redis, 1, RateLimit(1000, HOUR), deadline_s=0.2) as made:
        assert await made.granted(1) == 1
        pid = redis.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            assert await made.granted(200) == 200
            assert made.stores[0].away
            # From now on nobody even asks: the client's own pause is over only when the clock says so.
            asked = made.stores[0]._away_until
            await made.granted(50)
            assert made.stores[0]._away_until == asked
        finally:
            os.kill(pid, signal.SIGCONT)


async def test_a_caller_that_is_cancelled_leaves_a_client_that_works(redis: LocalRedis) -> None:
    async with workers(redis, 1, RateLimit(1000, HOUR)) as made:
        for _ in range(20):
            asking = [asyncio.create_task(made.limiters[0].acquire(wait_s=0)) for _ in range(20)]
            await asyncio.sleep(0)
            for task in asking:
                task.cancel()
            for task in asking:
                with suppress(asyncio.CancelledError):
                    await task
        assert await made.granted(50) == 50
        assert made.limiters[0].shared


async def test_a_wrong_password_is_a_redis_that_is_away(redis: LocalRedis, tmp_path: Path) -> None:
    other = LocalRedis(tmp_path)
    wrong = type(redis.url)(redis.url.get_secret_value().replace(redis.url.get_secret_value()[9:41], "x" * 32))
    assert wrong != redis.url
    assert other.pid is None
    async with SharedStore(wrong, namespace="n") as store:
        limiter = RateLimiter(RateLimit(3, HOUR), clock=time.monotonic, provider="p", operation="create", store=store)
        await limiter.acquire(wait_s=0)
        assert (store.away, limiter.used) == (True, 1)


_AWAY = "Redis does not answer; each worker keeps to its share of the limits"
_BACK = "Redis is back; limits and cached answers are shared again"
