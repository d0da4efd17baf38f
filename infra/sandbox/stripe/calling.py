"""Tells the account's endpoint of events: signed anew each time, again until it answers 2xx or the last try is over."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import aiohttp

from infra.sandbox.clock import SandboxClock
from infra.sandbox.stripe.account import Account
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.outbox import Delivery, last_told, next_delivery_ms, note_attempt, take_due
from infra.sandbox.stripe.settling import next_moment_ms
from infra.sandbox.stripe.signing import signature
from infra.sandbox.timed_calls import TimedCalls

log = logging.getLogger(__name__)


class Caller(TimedCalls[Delivery]):
    """Stripe's calls to one endpoint."""

    def __init__(
        self, books: Books, account: Account, clock: SandboxClock, settle: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(clock, settle)
        self._books = books
        self._account = account
        self._made = 0

    async def call_about(self, about: str, *, forged: bool) -> int | None:
        """Tell the last event about an object, or the event of an id, now. The status answered.

        Raises:
            ValueError: there is none.
        """
        told = await self._books.run(partial(last_told, about=about))
        if told is None:
            raise ValueError("nothing was ever to be told about this object")
        return await self._post(told, forged=forged)

    async def _due(self) -> list[Delivery]:
        now_ms, how = self._books.now_ms(), self._account.webhooks
        return await self._books.run(partial(take_due, how=how, now_ms=now_ms))

    async def _next_due_ms(self) -> int | None:
        known = await self._books.run(lambda connection: (next_delivery_ms(connection), next_moment_ms(connection)))
        return min((due_ms for due_ms in known if due_ms is not None), default=None)

    async def _tell(self, told: Delivery) -> None:
        self._made += 1
        every = self._account.webhooks.forge_every
        if every and self._made % every == 0:
            await self._post(told, forged=True)
        await self._post(told, forged=False)

    async def _post(self, told: Delivery, *, forged: bool) -> int | None:
        how, now_ms = self._account.webhooks, self._books.now_ms()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(how.secrets, told.body, now_ms // 1000, forged=forged),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        status = None
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self.session.post(told.url, data=told.body, headers=headers, allow_redirects=False) as answer:
                status = answer.status
        log.info("endpoint called", extra={"status": status})
        done = partial(note_attempt, sent=told, status=status, how=how, now_ms=self._books.now_ms(), forged=forged)
        await self._books.run(done)
        return status
