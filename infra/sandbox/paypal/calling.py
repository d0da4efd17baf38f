"""Calls the merchant about events, and lets happen what time alone brings about."""

import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

import aiohttp

from infra.sandbox.clock import SandboxClock
from infra.sandbox.paypal.books import Books
from infra.sandbox.paypal.call import Place
from infra.sandbox.paypal.naming import new_id
from infra.sandbox.paypal.outbox import Notice, note_attempt, take_due, told_about
from infra.sandbox.paypal.records import next_due_ms
from infra.sandbox.paypal.refusing import Json
from infra.sandbox.paypal.signing import ALGORITHM, forged
from infra.sandbox.paypal.store import Store
from infra.sandbox.timed_calls import TimedCalls

log = logging.getLogger(__name__)

_FORGED: Final[Json] = {"event_type": "PAYMENT.CAPTURE.COMPLETED"}


class Caller(TimedCalls[Notice]):
    """PayPal's calls to one merchant."""

    def __init__(
        self,
        books: Books,
        store: Store,
        clock: SandboxClock,
        *,
        place: Place,
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(clock, settle)
        self._books = books
        self._store = store
        self._place = place
        self._made = 0

    async def call_about(self, thing: str, *, change: Json | None = None) -> list[int | None]:
        """Call about a thing's events, or one event, now, due or not; what was answered to each.

        With a `change`, each call has the genuine one's headers and another body of the same CRC-32: an event of its
        own, with these members in place of the genuine ones.
        """
        notices = await self._books.run(lambda connection: told_about(connection, thing))
        return [await self._post(notice, change) for notice in notices]

    async def _due(self) -> list[Notice]:
        if self._store.callbacks.url is None:
            return []
        return await self._books.run(partial(take_due, store=self._store, now_ms=self._books.now_ms()))

    async def _next_due_ms(self) -> int | None:
        return await self._books.run(next_due_ms)

    async def _tell(self, told: Notice) -> None:
        self._made += 1
        every = self._store.callbacks.forge_every
        if every and self._made % every == 0:
            await self._post(told, _FORGED)
        await self._post(told, None)

    def headers(self, notice: Notice) -> dict[str, str]:
        """As PayPal sends them with the genuine body."""
        signature = self._place.signer.sign(
            notice.transmission_id, notice.transmitted, self._store.webhook_id, notice.body.encode()
        )
        return {
            "Content-Type": "application/json",
            "PAYPAL-TRANSMISSION-ID": notice.transmission_id,
            "PAYPAL-TRANSMISSION-TIME": notice.transmitted,
            "PAYPAL-TRANSMISSION-SIG": signature,
            "PAYPAL-CERT-URL": self._place.api + self._place.signer.path,
            "PAYPAL-AUTH-ALGO": ALGORITHM,
            "PAYPAL-AUTH-VERSION": "v2",
        }

    async def _post(self, notice: Notice, change: Json | None) -> int | None:
        url = self._store.callbacks.url
        if url is None:
            return None
        body = notice.body.encode()
        if change is not None:
            body = forged(body, {**json.loads(body), "id": f"WH-{new_id()}-{new_id()}", **change})
        status = None
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self.session.post(url, data=body, headers=self.headers(notice), allow_redirects=False) as answer:
                status = answer.status
        log.info("merchant called", extra={"status": status, "event_type": notice.event_type})
        now_ms = self._books.now_ms()
        await self._books.run(lambda c: note_attempt(c, notice, status, now_ms, forged=change is not None))
        return status
