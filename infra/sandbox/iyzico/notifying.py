"""The sandbox's own calls to its merchant: some time after the event, repeated, in any order, now and then forged."""

import asyncio
import json
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import aiohttp

from infra.sandbox.iyzico.events import Body, Event, SubscriptionEvent, body_of, sign_event
from infra.sandbox.iyzico.signing import Keys
from infra.sandbox.outgoing_calls import OutgoingCalls

log = logging.getLogger(__name__)

Tell = Callable[[Event, int], None]
"""Told what happened, and when (epoch milliseconds)."""

_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Notifying:
    """How a merchant is called.

    Attributes:
        delay_s: after the event, in seconds; each call comes by chance up to half as much later, so that their order is
            not that of the events.
        again_s: until the next attempt when the answer was not 2xx; three are made in all.
        repeats: how often each call is made though it was answered.
        forge_every: each n-th call goes out once more with a wrong signature; 0 for none.
        subscription_url: where the orders of subscriptions are told; `url` when there is none.
    """

    url: str
    delay_s: float = 10
    again_s: float = 15 * 60
    repeats: int = 1
    forge_every: int = 0
    subscription_url: str | None = None


class Notifier(OutgoingCalls):
    """Calls the merchant about what happened, until the block ends."""

    def __init__(self, keys: Keys, order: Notifying, *, seed: int = 0) -> None:
        super().__init__()
        self._keys = keys
        self._order = order
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose, nothing is secret
        self._made = 0

    def tell(self, event: Event, at_ms: int) -> None:
        """Call the merchant about an event, when its time has come."""
        self.start(self._call(event, at_ms))

    async def _call(self, event: Event, at_ms: int) -> None:
        await asyncio.sleep(event.after_ms / 1000 + self._delay_s())
        body = body_of(event, at_ms + event.after_ms)
        url = self._order.url
        if isinstance(event, SubscriptionEvent):
            url = self._order.subscription_url or url
        for turn in range(self._order.repeats):
            if turn:
                await asyncio.sleep(self._delay_s())
            await self._until_taken(url, body)

    async def _until_taken(self, url: str, body: Body) -> None:
        self._made += 1
        if self._order.forge_every and self._made % self._order.forge_every == 0:
            await self._post(url, body, "0" * 64)
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(self._order.again_s)
            if await self._post(url, body, sign_event(self._keys, body)):
                return

    async def _post(self, url: str, body: Body, signature: str) -> bool:
        headers = {"Content-Type": "application/json", "X-IYZ-SIGNATURE-V3": signature}
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self.session.post(url, data=json.dumps(body).encode(), headers=headers) as answer:
                log.info("merchant called", extra={"status": answer.status})
                return answer.ok
        return False

    def _delay_s(self) -> float:
        return self._order.delay_s * self._chance.uniform(1, 1.5)
