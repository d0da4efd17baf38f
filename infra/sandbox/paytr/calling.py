"""Calls the store: what is due, again until it answers `OK`, and everything else that time alone brings about."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from infra.sandbox.clock import SandboxClock
from infra.sandbox.paytr.books import Books
from infra.sandbox.paytr.outbox import Notice, last_told, note_attempt, take_due
from infra.sandbox.paytr.paying import next_decision_ms
from infra.sandbox.paytr.store import Store
from infra.sandbox.paytr.transfers import next_transfer_ms

log = logging.getLogger(__name__)

_TIMEOUT_S: Final = 10.0
_MOST_READ: Final = 4096
_WRONG_HASH: Final = "d3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmc="


class Caller:
    """Runs until the block ends. `settle` lets happen in the books what is due."""

    def __init__(self, books: Books, store: Store, clock: SandboxClock, settle: Callable[[], Awaitable[None]]) -> None:
        self._books = books
        self._store = store
        self._clock = clock
        self._settle = settle
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()
        self._taking = asyncio.Lock()
        self._telling: dict[asyncio.Task[None], str] = {}  # calls under way, and about what
        self._made = 0
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        await self._tasks.__aenter__()
        self._start(self._keep_calling())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        try:
            await self._tasks.__aexit__(kind, error, trace)
        finally:
            if self._session is not None:
                await self._session.close()

    def wake(self) -> None:
        """Something may have fallen due."""
        self._clock.wake()

    async def call_about(self, subject: str, *, forged: bool) -> str | None:
        """Call about an order or transfer now, due or not. What was answered; `None` where nothing is to tell."""
        notice = await self._books.run(lambda connection: last_told(connection, subject))
        return None if notice is None else await self._post(notice, forged=forged)

    async def tell_before_return(self, merchant_oid: str) -> None:
        """Make the order's first call now, and wait for its answer; if it is being made, only wait."""
        await self._take_due()
        await self._all_told(merchant_oid)

    async def advance(self, seconds: float) -> None:
        """Put the clock ahead, let happen what falls due, make its calls, and wait for all calls under way."""
        self._clock.advance(seconds)
        await self._settle()
        await self._take_due()
        await self._all_told()

    async def _keep_calling(self) -> None:
        while True:
            await self._settle()
            await self._take_due()
            waiting = self._clock.waiting()
            due_ms = await self._books.run(_next_due_ms)
            await self._clock.until(due_ms, waiting)

    async def _take_due(self) -> None:
        async with self._taking:  # whoever waits for a call must find it begun as soon as it is no longer due
            now_ms = self._books.now_ms()
            for notice in await self._books.run(partial(take_due, store=self._store, now_ms=now_ms)):
                telling = self._start(self._tell(notice))
                self._telling[telling] = notice.subject
                telling.add_done_callback(self._telling.pop)

    async def _all_told(self, about: str | None = None) -> None:
        """Wait for the calls that are under way, or those about one order."""
        under_way = [telling for telling, subject in self._telling.items() if about in {None, subject}]
        if under_way:
            await asyncio.wait(under_way)

    async def _tell(self, notice: Notice) -> None:
        self._made += 1
        every = self._store.callbacks.forge_every
        if every and self._made % every == 0:
            await self._post(notice, forged=True)
        await self._post(notice, forged=False)

    async def _post(self, notice: Notice, *, forged: bool) -> str:
        assert self._session is not None  # noqa: S101 - for mypy alone
        form = notice.form | ({"hash": _WRONG_HASH} if forged else {})
        status, answered = None, ""
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.post(notice.url, data=form, allow_redirects=False) as answer:
                status = answer.status
                answered = (await answer.content.read(_MOST_READ)).decode("utf-8", "replace")
        log.info("store called", extra={"status": status, "acknowledged": answered == "OK"})
        taken = answered if status == 200 else f"HTTP {status}: {answered}"  # noqa: PLR2004 -- HTTP's own number
        now_ms = self._books.now_ms()
        await self._books.run(lambda c: note_attempt(c, notice, status, taken, now_ms, forged=forged))
        return taken

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task


def _next_due_ms(connection: sqlite3.Connection) -> int | None:
    """When time alone brings something about again."""
    (called_ms,) = connection.execute("SELECT min(due_ms) FROM callback WHERE due_ms IS NOT NULL").fetchone()
    known = (called_ms, next_decision_ms(connection), next_transfer_ms(connection))
    return min((due_ms for due_ms in known if due_ms is not None), default=None)
