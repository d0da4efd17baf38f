import asyncio
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.connector import RateLimit
from providers.limiter import Quota, RateLimiter
from schemas.errors import Throttled


def _limiter(now: list[float], calls: int, per_s: float) -> RateLimiter:
    return RateLimiter(RateLimit(calls, per_s), clock=lambda: now[0], provider="p", operation="create")


async def test_the_limit_is_throttled_with_the_time_to_wait() -> None:
    now = [100.0]
    limiter = _limiter(now, 2, 60)
    await limiter.acquire(wait_s=0)
    now[0] += 20
    await limiter.acquire(wait_s=0)
    with pytest.raises(Throttled) as throttled:
        await limiter.acquire(wait_s=2)
    assert throttled.value.retry_after_s == 40
    now[0] += 40
    await limiter.acquire(wait_s=0)


@given(gaps=st.lists(st.integers(0, 3000), max_size=60), calls=st.integers(1, 5))
def test_no_window_ever_holds_more_than_the_limit(gaps: list[int], calls: int) -> None:
    """Times are whole numbers, which floats add exactly: the bound is tested to the point, without a tolerance."""

    async def run() -> list[float]:
        now, started = [0.0], []
        limiter = _limiter(now, calls, 5000)
        for gap in gaps:
            now[0] += gap
            try:
                await limiter.acquire(wait_s=0)
            except Throttled:
                continue
            started.append(now[0])
        return started

    window: deque[float] = deque()
    for start in asyncio.run(run()):
        window.append(start)
        while window[0] <= start - 5000:
            window.popleft()
        assert len(window) <= calls


async def test_waiters_are_spread_over_the_windows() -> None:
    loop = asyncio.get_running_loop()
    limiter = RateLimiter(RateLimit(2, 0.05), clock=loop.time, provider="p", operation="create")
    began = loop.time()
    await asyncio.gather(*(limiter.acquire(wait_s=1) for _ in range(6)))
    assert loop.time() - began >= 0.1


async def test_a_full_quota_is_throttled_and_each_end_frees_a_place() -> None:
    quota = Quota(1, provider="p")
    async with quota.place("create", wait_s=0):
        with pytest.raises(Throttled):
            async with quota.place("create", wait_s=0.01):
                pass
    with pytest.raises(RuntimeError):
        async with quota.place("create", wait_s=0):
            raise RuntimeError
    async with quota.place("create", wait_s=0):
        pass
