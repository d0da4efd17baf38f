"""How often each caller may ask: counted over all gateways where there is a Redis, else by each process alone.

A sliding window of two counters: it costs the same for any rate, and no caller gets twice its rate at the edge of a
window. While Redis is away each process goes on with the whole rate of its own, never with none.
"""

import math
import time
from functools import lru_cache

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from infra.gateway.access.caller import Caller
from infra.gateway.access.rate import read_rate
from infra.gateway.access.standing import Standing
from providers.shared_store import SharedAway, SharedStore

_rate_of = lru_cache(1000)(read_rate)


class CallLimits:
    """One for the process.

    Args:
        rate: of callers that have none of their own.
        store: Redis, where gateways share it.
    """

    def __init__(self, rate: str, store: SharedStore | None) -> None:
        self._rate = rate
        self._store = store
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared: SlidingWindowCounterRateLimiter | None = None
        if store is not None:
            # The address is the pool's; here stands only which of the library's clients it is.
            storage = RedisStorage(
                "async+redis://",
                implementation="redispy",
                key_prefix=store.key("access"),
                connection_pool=store.connections,  # type: ignore[arg-type] # its own documents ask for a pool
            )
            self._shared = SlidingWindowCounterRateLimiter(storage)

    async def take(self, caller: Caller) -> Standing:
        """Count one request, unless it is one too many."""
        rate = _rate_of(caller.rate or self._rate)
        if self._store is not None and self._shared is not None:
            shared = self._shared
            try:
                return await self._store.ask(lambda: _take(shared, rate, caller.id))
            except SharedAway:
                pass
        return await _take(self._own, rate, caller.id)


async def _take(limiter: SlidingWindowCounterRateLimiter, rate: RateLimitItem, name: str) -> Standing:
    within = await limiter.hit(rate, name)
    stats = await limiter.get_window_stats(rate, name)
    # Whole seconds, and at least one: who comes back at once is turned away again.
    reset_s = max(1, math.ceil(stats.reset_time - time.time()))
    return Standing(within, rate.amount, rate.get_expiry(), stats.remaining if within else 0, reset_s)
