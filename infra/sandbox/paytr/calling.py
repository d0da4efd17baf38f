"""Calls the store: what is due, again until it answers `OK`, and everything else that time alone brings about."""

import logging
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

import aiohttp

from infra.sandbox.clock import SandboxClock
from infra.sandbox.paytr.books import Books
from infra.sandbox.paytr.outbox import Notice, last_told, note_attempt, take_due
from infra.sandbox.paytr.paying import next_decision_ms
from infra.sandbox.paytr.store import Store
from infra.sandbox.paytr.transfers import next_transfer_ms
from infra.sandbox.timed_calls import TimedCalls

log = logging.getLogger(__name__)

_MOST_READ: Final = 4096
_WRONG_HASH: Final = "d3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmc="


class Caller(TimedCalls[Notice]):
    """PayTR's calls to one store."""

    def __init__(self, books: Books, store: Store, clock: SandboxClock, settle: Callable[[], Awaitable[None]]) -> None:
        super().__init__(clock, settle)
        self._books = books
        self._store = store
        self._made = 0

    async def call_about(self, subject: str, *, forged: bool) -> str | None:
        """Call about an order or transfer now, due or not. What was answered; `None` where nothing is to tell."""
        notice = await self._books.run(lambda connection: last_told(connection, subject))
        return None if notice is None else await self._post(notice, forged=forged)

    async def _due(self) -> list[Notice]:
        now_ms = self._books.now_ms()
        return await self._books.run(partial(take_due, store=self._store, now_ms=now_ms))

    async def _next_due_ms(self) -> int | None:
        return await self._books.run(_next_due_ms)

    async def _tell(self, notice: Notice) -> None:
        self._made += 1
        every = self._store.callbacks.forge_every
        if every and self._made % every == 0:
            await self._post(notice, forged=True)
        await self._post(notice, forged=False)

    async def _post(self, notice: Notice, *, forged: bool) -> str:
        form = notice.form | ({"hash": _WRONG_HASH} if forged else {})
        status, answered = None, ""
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self.session.post(notice.url, data=form, allow_redirects=False) as answer:
                status = answer.status
                answered = (await answer.content.read(_MOST_READ)).decode("utf-8", "replace")
        log.info("store called", extra={"status": status, "acknowledged": answered == "OK"})
        taken = answered if status == 200 else f"HTTP {status}: {answered}"  # noqa: PLR2004 -- HTTP's own number
        now_ms = self._books.now_ms()
        await self._books.run(lambda c: note_attempt(c, notice, status, taken, now_ms, forged=forged))
        return taken


def _next_due_ms(connection: sqlite3.Connection) -> int | None:
    """When time alone brings something about again."""
    (called_ms,) = connection.execute("SELECT min(due_ms) FROM callback WHERE due_ms IS NOT NULL").fetchone()
    known = (called_ms, next_decision_ms(connection), next_transfer_ms(connection))
    return min((due_ms for due_ms in known if due_ms is not None), default=None)
