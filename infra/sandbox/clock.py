"""A sandbox's clock: the wall's, which can be put ahead, so that what falls due in an hour can be seen now."""

import asyncio
import time
from contextlib import suppress


class SandboxClock:
    """Epoch milliseconds. Moves forward only."""

    def __init__(self) -> None:
        self._ahead_ms = 0
        self._moved = asyncio.Event()

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead_ms

    def advance(self, seconds: float) -> None:
        """Put the clock ahead and wake who waits for it.

        Raises:
            ValueError: `seconds` is below zero.
        """
        if seconds < 0:
            raise ValueError("the clock cannot be put back")
        self._ahead_ms += round(seconds * 1000)
        self.wake()

    def wake(self) -> None:
        """Let who waits look again: something may fall due earlier than was known."""
        self._moved.set()
        self._moved = asyncio.Event()

    def waiting(self) -> asyncio.Event:
        """To be taken before one looks what falls due, and given to `until`: no waking in between is missed."""
        return self._moved

    async def until(self, due_ms: int | None, waiting: asyncio.Event) -> None:
        """Wait for the moment (`None`: for ever), or until the clock is moved or woken."""
        wait_s = None if due_ms is None else max(0, due_ms - self.now_ms()) / 1000
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await waiting.wait()
