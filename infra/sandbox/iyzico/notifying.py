"""The sandbox's own calls to its merchant: some time after the event, repeated, in any order, now and then forged."""

import asyncio
import json
import logging
import random
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import aiohttp

from infra.sandbox.iyzico.books import Books
from infra.sandbox.iyzico.records import BookedPayment, payments_by_conversation
from infra.sandbox.iyzico.signing import Keys, sign_notice

log = logging.getLogger(__name__)

Tell = Callable[[str, float], None]
"""Told the conversation of a payment that was made, and after how many seconds its review ends (0: none)."""

_MERCHANT: Final = "3404590"
_TIMEOUT_S: Final = 10.0
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
    """

    url: str
    delay_s: float = 10
    again_s: float = 15 * 60
    repeats: int = 1
    forge_every: int = 0


class Notifier:
    """Calls the merchant about payments, until the block ends."""

    def __init__(self, books: Books, keys: Keys, order: Notifying, *, seed: int = 0) -> None:
        self._books = books
        self._keys = keys
        self._order = order
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose, nothing is secret
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()
        self._made = 0
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
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
            if self._session is not None:
                await self._session.close()

    def tell(self, conversation_id: str, review_s: float) -> None:
        """Call the merchant about the payment, and once more when its review has ended."""
        for after_s in (0.0, review_s) if review_s else (0.0,):
            task = self._tasks.create_task(self._call(conversation_id, after_s))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _call(self, conversation_id: str, after_s: float) -> None:
        await asyncio.sleep(after_s + self._delay_s())
        now_ms = self._books.now_ms()
        found = await self._books.run(lambda connection: payments_by_conversation(connection, conversation_id, now_ms))
        if not found:
            return  # refused before it came to a payment
        body = _body(found[-1], now_ms)
        for turn in range(self._order.repeats):
            if turn:
                await asyncio.sleep(self._delay_s())
            await self._until_taken(body)

    async def _until_taken(self, body: dict[str, str | int]) -> None:
        self._made += 1
        if self._order.forge_every and self._made % self._order.forge_every == 0:
            await self._post(body, "0" * 64)
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(self._order.again_s)
            if await self._post(body, sign_notice(self._keys.secret_key, body)):
                return

    async def _post(self, body: dict[str, str | int], signature: str) -> bool:
        assert self._session is not None  # noqa: S101 - for mypy alone
        headers = {"Content-Type": "application/json", "X-IYZ-SIGNATURE-V3": signature}
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.post(self._order.url, data=json.dumps(body).encode(), headers=headers) as answer:
                log.info("merchant called", extra={"status": answer.status})
                return answer.ok
        return False

    def _delay_s(self) -> float:
        return self._order.delay_s * self._chance.uniform(1, 1.5)


def _body(payment: BookedPayment, now_ms: int) -> dict[str, str | int]:
    failed = payment.state in {"declined", "rejected"}
    return {
        "paymentConversationId": payment.conversation_id or "",
        "merchantId": _MERCHANT,
        "paymentId": int(payment.payment_id),
        "status": "FAILURE" if failed else "SUCCESS",
        "iyziReferenceCode": str(uuid.uuid4()),
        "iyziEventType": "API_AUTH",
        "iyziEventTime": now_ms,
        "iyziPaymentId": int(payment.payment_id),
    }
