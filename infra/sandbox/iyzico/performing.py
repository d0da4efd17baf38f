"""From a received request to its answer: signature, body, limits, the operation in the books. No faults, no sockets."""

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, NoReturn, TypeVar

from infra.sandbox.iyzico.answers import Answer, failure, success
from infra.sandbox.iyzico.books import Books
from infra.sandbox.iyzico.calls import Call, Result, Review
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.notifying import Tell
from infra.sandbox.iyzico.records import payment_of_line
from infra.sandbox.iyzico.route import Route, find_route
from infra.sandbox.iyzico.routes import ALIVE, ROUTES
from infra.sandbox.iyzico.signing import Keys, check_request
from infra.sandbox.used_markers import use_marker

T = TypeVar("T")

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Received:
    """A request as its bytes arrived. `path` is as sent, without the query; `origin` is scheme and host."""

    method: str
    path: str
    query: Mapping[str, str]
    authorization: str | None
    body: bytes
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that is signed, known and readable. `path` is as the table of routes writes it."""

    path: str
    route: Route
    body: Mapping[str, object]
    query: Mapping[str, str]
    names: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""

    @property
    def echoed(self) -> Mapping[str, object]:
        """Where `locale` and `conversationId` of the envelope come from: the body, or a GET's query."""
        return self.body or self.query


class Performer:
    """One merchant's view of iyzico over one set of books."""

    def __init__(
        self,
        books: Books,
        keys: Keys,
        *,
        failure_status: int = 200,
        latency_ms: float = 0,
        rate_limit_per_minute: int | None = None,
    ) -> None:
        """`latency_ms` is spent half before the operation stands in the books and half after."""
        self._books = books
        self._keys = keys
        self._failure_status = failure_status
        self._half_latency_s = latency_ms / 2000
        self._limit = rate_limit_per_minute
        self._minute = 0
        self._calls: Counter[str] = Counter()
        self._busy: set[str] = set()
        self.tell: Tell = lambda _event, _at_ms: None

    def accept(self, received: Received) -> Accepted:
        """Check and read a request.

        Raises:
            Refused: 1000, 1001, 1007 (signature), 11 (unknown path or unreadable body), 6 (no body), 50000 (limit).
        """
        found = find_route(ROUTES, received.method, received.path)
        unsigned = (received.method, received.path) == ALIVE and received.authorization is None
        if not unsigned:  # some clients sign the liveness check, some do not
            check_request(received.authorization, received.path, received.body, self._keys)
        if found is None:
            raise Refused("11", detail="the sandbox does not serve this method and path")
        self._count(found.path)
        body = _read_body(received.body)
        if found.route.needs_body and not body:
            raise Refused("6")
        return Accepted(found.path, found.route, body, received.query, found.names, received.origin)

    async def perform(self, accepted: Accepted, *, review_verdict: int | None = None, review_s: float = 0) -> Answer:
        """Run the operation and phrase its answer; a refusal is an answer too."""
        await self._pause()
        now_ms = self._books.now_ms()
        review = None if review_verdict is None else Review(review_verdict, now_ms + round(review_s * 1000))
        call = Call(accepted.body, accepted.query, now_ms, review, accepted.origin, accepted.names)
        result: Result
        try:
            result = await self.run(accepted.route.operation, call)
        except Refused as refused:
            result = refused
        await self._pause()
        return self.phrase(accepted, result)

    async def run(self, operation: Callable[[sqlite3.Connection, Call], T], call: Call) -> T:
        """One step of the books; what it has to tell is told once it is committed.

        Raises:
            Refused: what the operation raised, its writes undone.
        """
        result = await self._books.run(lambda connection: operation(connection, call))
        for event in call.events:
            self.tell(event, call.now_ms)
        return result

    def phrase(self, accepted: Accepted, result: dict[str, object] | Refused) -> Answer:
        """The envelope around a result."""
        now_ms = self._books.now_ms()
        if isinstance(result, Refused):
            return failure(result, accepted.echoed, now_ms, self._failure_status)
        return success(result, accepted.echoed, now_ms, self._keys.secret_key, accepted.route.signed)

    def refuse_unread(self, refused: Refused) -> Answer:
        """The envelope for a request that was not accepted, so that nothing of it is echoed."""
        return failure(refused, {}, self._books.now_ms(), self._failure_status)

    @asynccontextmanager
    async def alone(self, accepted: Accepted) -> AsyncIterator[None]:
        """Hold the payment while a cancel or refund runs, until it is answered.

        Raises:
            Refused: 8514 while another one of this payment runs.
        """
        payment_id = await self._payment_id(accepted) if accepted.route.alone else None
        if payment_id is None:
            yield
            return
        if payment_id in self._busy:
            raise Refused("8514", extra={"paymentId": payment_id})
        self._busy.add(payment_id)
        try:
            yield
        finally:
            self._busy.discard(payment_id)

    async def use_marker(self, basket_id: str) -> bool:
        """True the first time this basket's marker is used, also over restarts."""
        return await self._books.run(partial(use_marker, name=basket_id))

    async def _payment_id(self, accepted: Accepted) -> str | None:
        if payment_id := accepted.body.get("paymentId"):
            return str(payment_id)
        line_id, now_ms = accepted.body.get("paymentTransactionId"), self._books.now_ms()
        payment = await self._books.run(lambda connection: payment_of_line(connection, line_id, now_ms))
        return payment.payment_id if payment else None

    async def _pause(self) -> None:
        if self._half_latency_s:
            await asyncio.sleep(self._half_latency_s)

    def _count(self, path: str) -> None:
        if self._limit is None:
            return
        minute = self._books.now_ms() // _MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            self._calls.clear()
        self._calls[path] += 1
        if self._calls[path] > self._limit:
            raise Refused("50000")


def _read_body(raw: bytes) -> Mapping[str, object]:
    """The body's object; none, `null` and `{}` all count as no body, as the clients differ in it."""
    if not raw.strip():
        return {}
    try:
        value: Any = json.loads(raw.decode(), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Refused("11", detail="the body is not JSON in UTF-8") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused("11", detail="the body must be a JSON object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
