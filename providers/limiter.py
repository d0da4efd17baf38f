"""Keeping within a provider's rate limits, and one integration from taking another's place."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from providers.connector import RateLimit
from schemas.errors import Throttled


class RateLimiter:
    """At most `calls` starts in any window of `per_s` seconds; who comes too early waits in turn.

    The last starts are remembered one by one. A token bucket would let twice the limit through in its first window.

    Args:
        clock: seconds on a clock that is never set back.
    """

    def __init__(self, limit: RateLimit, *, clock: Callable[[], float], provider: str, operation: str) -> None:
        self._per_s = limit.per_s
        self._starts: deque[float] = deque(maxlen=limit.calls)
        self._calls = limit.calls
        self._clock = clock
        self._provider = provider
        self._operation = operation

    async def acquire(self, *, wait_s: float) -> None:
        """Wait for a place.

        Raises:
            Throttled: it would take longer than `wait_s`; no place is taken.
        """
        now = self._clock()
        full = len(self._starts) == self._calls
        at = max(now, self._starts[0] + self._per_s) if full else now
        if at - now > wait_s:
            raise Throttled(
                f"the rate limit of {self._provider} for {self._operation} is used up",
                provider=self._provider,
                operation=self._operation,
                retry_after_s=at - now,
            )
        # Appending forgets the oldest start, which is then a whole window away from this one. A waiter who is
        # cancelled keeps his place in the count: the limit is met all the same.
        self._starts.append(at)
        if at > now:
            await asyncio.sleep(at - now)


class Quota:
    """At most `places` calls of one integration under way; a hanging provider fills its own places and no others."""

    def __init__(self, places: int, *, provider: str) -> None:
        self._places = asyncio.Semaphore(places)
        self._provider = provider

    @asynccontextmanager
    async def place(self, operation: str, *, wait_s: float) -> AsyncIterator[None]:
        """One place for the length of the block.

        Raises:
            Throttled: none was free within `wait_s`.
        """
        try:
            async with asyncio.timeout(wait_s):
                await self._places.acquire()
        except TimeoutError:
            raise Throttled(
                f"all places for calls to {self._provider} are in use",
                provider=self._provider,
                operation=operation,
                retry_after_s=wait_s,
            ) from None
        try:
            yield
        finally:
            self._places.release()
