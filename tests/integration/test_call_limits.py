"""Callers' limits, shared by gateways through a real Redis, and what becomes of them while it is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from infra.gateway.access.call_limits import CallLimits
from infra.gateway.access.caller import Caller
from infra.gateway.access.standing import Standing
from infra.local.redis import LocalRedis
from providers.shared_store import SharedStore
from tests.stack import fresh_name

RATE = "10/hour"
"""A window that no test outlives, so that none depends on how fast it runs."""
AWAY_S = 5.0


def a_caller(name: str = "shop", rate: str | None = None) -> Caller:
    return Caller(f"key:{name}", "/services/shop", frozenset(), rate=rate)


@dataclass
class Clock:
    ahead: float = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead


@dataclass
class Gateways:
    limits: list[CallLimits]
    clock: Clock

    async def granted(self, tries: int, caller: Caller | None = None) -> int:
        """How many of `tries` requests, spread over the gateways, are within the limit."""
        asked = caller or a_caller()
        turns = (self.limits[number % len(self.limits)] for number in range(tries))
        return sum(standing.within for standing in await asyncio.gather(*(one.take(asked) for one in turns)))


@asynccontextmanager
async def gateways(redis: LocalRedis, count: int, namespace: str | None = None) -> AsyncIterator[Gateways]:
    namespace, clock = namespace or fresh_name("r"), Clock()
    async with AsyncExitStack() as stack:
        stores = [
            await stack.enter_async_context(SharedStore(redis.url, namespace=namespace, deadline_s=AWAY_S, clock=clock))
            for _ in range(count)
        ]
        yield Gateways([CallLimits(RATE, store) for store in stores], clock)


async def test_a_caller_has_one_limit_over_all_gateways(redis: LocalRedis) -> None:
    async with gateways(redis, 3) as made:
        assert await made.granted(60) == 10


async def test_each_caller_has_its_own(redis: LocalRedis) -> None:
    async with gateways(redis, 2) as made:
        assert await made.granted(20, a_caller("shop")) == 10
        assert await made.granted(20, a_caller("reports")) == 10
        assert await made.granted(20, a_caller("few", rate="2/hour")) == 2


async def test_environments_that_share_a_redis_do_not_count_together(redis: LocalRedis) -> None:
    async with gateways(redis, 1) as one, gateways(redis, 1) as other:
        assert await one.granted(20) == 10
        assert await other.granted(20) == 10


async def test_without_redis_each_process_goes_on_with_a_limit_of_its_own(redis: LocalRedis) -> None:
    async with gateways(redis, 2) as made:
        assert await made.granted(4) == 4
        await redis.stop()
        try:
            assert await made.granted(60) == 20
        finally:
            await redis.start()
        made.clock.ahead += 60
        # One of each asks whether it is back, and from then on all do.
        assert await made.granted(2) == 2
        assert await made.granted(40) == 8


async def test_a_process_without_redis_has_its_limit(redis: LocalRedis) -> None:
    del redis
    limits = CallLimits(RATE, None)
    standings = [await limits.take(a_caller()) for _ in range(12)]
    assert [standing.within for standing in standings] == [True] * 10 + [False] * 2
    assert [standing.remaining for standing in standings] == [*range(9, -1, -1), 0, 0]
    assert {(standing.quota, standing.window_s) for standing in standings} == {(10, 3600)}


async def test_the_password_of_redis_stands_in_no_part_of_the_limiter(redis: LocalRedis) -> None:
    password = redis.url.get_secret_value().removeprefix("redis://:").partition("@")[0]
    async with gateways(redis, 1) as made:
        shared = made.limits[0]._shared
        assert shared is not None
        assert password not in repr(vars(shared.storage))


@pytest.mark.parametrize(("reset_s", "said"), [(1, "1"), (3600, "3600")])
def test_who_asks_too_often_is_told_by_the_header_that_counts_most(reset_s: int, said: str) -> None:
    problem = Standing(within=False, quota=10, window_s=3600, remaining=0, reset_s=reset_s).problem()
    assert (problem.status, problem.headers["Retry-After"]) == (429, said)
