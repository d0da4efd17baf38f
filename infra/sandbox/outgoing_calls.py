"""A sandbox's own calls to a merchant: their tasks and their HTTP session."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

_TIMEOUT_S: Final = 10.0


class OutgoingCalls:
    """Open as an async context manager; what still runs at its end is cancelled."""

    def __init__(self) -> None:
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()
        self._opened: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._opened = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        try:
            await self._tasks.__aexit__(kind, error, trace)
        finally:
            await self.session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """Each call over it has ten seconds."""
        if self._opened is None:
            raise RuntimeError("use it inside its async with block")
        return self._opened

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside all else, for as long as the block lasts."""
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task
