"""Keeping within a provider's rate limits, and one integration from taking another's place."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from providers.connector import LimitReading, RateLimit
from providers.shared_store import SharedAway, SharedStore
from providers.window import SharedWindow, Told, Window
from schemas.errors import Throttled

LONGEST_PAUSE_S: Final = 3600.0
"""Nobody is kept away longer than this by one answer, whatever it says: then a call asks again."""


class RateLimiter:
    """The limit of one operation: at most `calls` starts in any window; who comes too early waits in turn.

    With a shared store the window is one for all workers. Without one, and while it is away, this worker keeps to its
    share: `calls` times `share`, rounded down, and at least one. What the provider itself says (a 429, a count of
    calls left) closes the limit beyond that.

    Args:
        limit: `None` where the provider's documents name none; what it says then counts alone.
        clock: seconds on a clock that is never set back.
        share: which part of the limits is this worker's, above 0 to 1; the parts of all workers add up to 1.
        untold_pause_s: the pause after a refusal that names none; it doubles until an answer comes.
    """

    def __init__(
        self,
        limit: RateLimit | None,
        *,
        clock: Callable[[], float],
        provider: str,
        operation: str,
        integration_id: str = "",
        share: Callable[[], float] = lambda: 1.0,
        store: SharedStore | None = None,
        untold_pause_s: float = 1.0,
    ) -> None:
        self.limit = limit
        self.operation = operation
        self._clock = clock
        self._provider = provider
        self._share = share
        self._store = store
        self._untold_pause_s = untold_pause_s
        self._pause_s = untold_pause_s
        self._window = Window(limit.per_s if limit else 1.0, clock=clock)
        self._told = Told()
        self._told_limit: int | None = None
        self._come_back_at = 0.0
        self._shared: SharedWindow | None = None
        if store is not None:
            self._shared = SharedWindow(store, self._window, integration_id=integration_id, operation=operation)
        self.put_off = 0
        """Calls that found no turn in time."""
        self.turned_away = 0
        """Calls that the provider refused for its limit."""

    async def acquire(self, *, wait_s: float) -> None:
        """Wait for a turn.

        Raises:
            Throttled: it would take longer than `wait_s`; no turn is taken.
        """
        ends = self._clock() + wait_s
        while True:
            pause_s = await self._turn(max(0.0, ends - self._clock()))
            if pause_s <= 0:
                return
            await asyncio.sleep(pause_s)
            # While we slept the provider may have said "later" to another call; that counts for us too.
            if not await self._closed():
                return

    def heard(self, reading: LimitReading) -> None:
        """An answer told how many calls are left."""
        self._told_limit = reading.limit if reading.limit is not None else self._told_limit
        self._told.read(reading, self._clock())
        if self._shared is not None:
            self._shared.tell(self._told)

    def answered(self) -> None:
        """The provider took a call: the next refusal without a pause begins with the short one again."""
        self._pause_s = self._untold_pause_s

    def close(self, asked_s: float | None) -> float:
        """The provider turned a call away and asked for a pause (`None`: it named none); the pause that is kept."""
        self.turned_away += 1
        pause_s = self._pause_s if asked_s is None else asked_s
        if asked_s is None:
            self._pause_s = min(2 * self._pause_s, max(self._untold_pause_s, self._window.per_s))
        self._told.close(self._clock() + min(pause_s, LONGEST_PAUSE_S))
        if self._shared is not None:
            self._shared.tell(self._told)
        return pause_s

    async def pass_on(self) -> None:
        """Let the other workers know at once that it is closed; nothing when they cannot be told."""
        if self._shared is None:
            return
        try:
            # A turn that is never granted: it carries the news and takes no place.
            await self._shared.take(self._calls(whole=True), self._clock(), wait_s=-1.0)
        except SharedAway:
            return

    @property
    def used(self) -> int:
        """Calls of this process in the present window."""
        return self._window.used

    @property
    def calls(self) -> int | None:
        """The limit of all workers together: the provider's documents', else what its answers say."""
        return self.limit.calls if self.limit else self._told_limit

    @property
    def allowed(self) -> int | None:
        """What this process may use of it now."""
        return None if self.limit is None else self._calls(whole=self.shared)

    @property
    def shared(self) -> bool:
        """Whether the window is counted for all workers together just now."""
        return self._store is not None and not self._store.away

    @property
    def closed_s(self) -> float:
        """How long the provider wants no call, as far as this process knows."""
        now = self._clock()
        return self._told.not_before(now) - now

    @property
    def resets_in_s(self) -> float:
        """After how many seconds nothing of the window is used, if no call starts."""
        now = self._clock()
        return max(self._window.empty_in_s, self.closed_s, self._told.reset_at - now)

    def _calls(self, *, whole: bool) -> int:
        if self.limit is None:
            return 0
        return self.limit.calls if whole else max(1, math.floor(self.limit.calls * self._share()))

    async def _turn(self, wait_s: float) -> float:
        now = self._clock()
        if self._shared is not None:
            try:
                taken, pause_s = await self._shared.take(self._calls(whole=True), now, wait_s=wait_s)
            except SharedAway:
                now = self._clock()
            else:
                if not taken:
                    raise self._throttled(now, pause_s)
                self._told.take(now + pause_s)
                return pause_s
        calls = self._calls(whole=False)
        at = self._told.not_before(now)
        if calls:
            at = self._window.next_at(calls, at)
        if at - now > wait_s:
            raise self._throttled(now, at - now)
        if calls:
            self._window.add(at)
        self._told.take(at)
        return at - now

    async def _closed(self) -> bool:
        # What is left of a count does not matter here: this call has its place in it.
        if self._told.closed_until > self._clock():
            return True
        if self._shared is None:
            return False
        try:
            closed_s = await self._shared.closed_for_s()
        except SharedAway:
            return False
        self._told.close(self._clock() + closed_s)
        return closed_s > 0

    def _throttled(self, now: float, pause_s: float) -> Throttled:
        """Those who are put off are told to come back one after another, as fast as the limit lets them through."""
        self.put_off += 1
        at = max(now + pause_s, self._come_back_at)
        if self.limit is not None:
            self._come_back_at = at + self.limit.per_s / self._calls(whole=self.shared)
        return Throttled(
            f"the rate limit of {self._provider} for {self.operation} is used up",
            provider=self._provider,
            operation=self.operation,
            retry_after_s=at - now,
        )


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
