"""Around every request: a bound on how many there are and how long each is, its trace, and what is measured of it."""

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi import HTTPException
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.gateway.metrics import ANSWERED_WITHIN, REQUESTS, UNDER_WAY
from infra.gateway.problems import Problem
from streams.tracing import extract

FREE: Final = frozenset({"health", "metrics"})
"""Areas that are always served: whoever looks after the process asks there."""
APART: Final = frozenset({"webhooks"})
"""Areas with a bound of their own, so that waiting callers of the others leave providers their way in."""
_TRACER: Final = trace.get_tracer("kolaj.gateway")
_TRACE_HEADERS: Final = frozenset({b"traceparent", b"tracestate"})
_SERVER_ERRORS: Final = 500


class TooLarge(HTTPException):
    """A body is longer than is taken. It says so of itself, since FastAPI calls other errors of reading a body 400."""

    def __init__(self, most: int) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {most} bytes at most")


class Edge:
    """Middleware over the whole application.

    Args:
        most_requests: that may wait for their answer at one time, in each area; the next ones are told to come again.
            An answer that has begun, such as a stream of events, does not count.
        most_bytes: of a body. A longer one is refused while it comes, never kept.
    """

    def __init__(self, app: ASGIApp, *, most_requests: int, most_bytes: int) -> None:
        self._app = app
        self._most_requests = most_requests
        self._most_bytes = most_bytes
        self._under_way: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        area = _area(scope["path"])
        exchange = _Exchange(self, area, scope, receive, send)
        if area not in FREE and self._under_way.get(area, 0) >= self._most_requests:
            await _busy().response()(scope, exchange.receive, exchange.send)
            exchange.over()
            return
        self.count(area, 1)
        exchange.counted = True
        # A stranger's trace is not ours to continue.
        around = Context() if area in APART else _context_of(scope)
        with _TRACER.start_as_current_span(
            scope["method"], context=around, kind=SpanKind.SERVER, record_exception=False
        ) as span:
            try:
                await self._app(scope, exchange.receive, exchange.send)
            except ClientDisconnect:
                return  # there is nobody to tell
            finally:
                exchange.over()
                span.update_name(f"{scope['method']} {exchange.route}")
                span.set_attribute("http.request.method", scope["method"])
                span.set_attribute("http.route", exchange.route)
                span.set_attribute("http.response.status_code", exchange.status)

    @property
    def most_bytes(self) -> int:
        return self._most_bytes

    def count(self, area: str, more: int) -> None:
        self._under_way[area] = self._under_way.get(area, 0) + more
        UNDER_WAY.add(more, {"area": area})


class _Exchange:
    """One request and its answer."""

    def __init__(self, edge: Edge, area: str, scope: Scope, receive: Receive, send: Send) -> None:
        self.status = _SERVER_ERRORS
        self.counted = False
        self._edge = edge
        self._area = area
        self._scope = scope
        self._receive = receive
        self._send = send
        self._began = time.monotonic()
        self._came = 0
        self._asked = False

    @property
    def route(self) -> str:
        """The route's template, never the path that was asked for."""
        return getattr(self._scope.get("route"), "path", "none")

    async def receive(self) -> Message:
        """The next piece of the body.

        Raises:
            TooLarge: there is more than is taken, or more is announced.
        """
        most = self._edge.most_bytes
        if not self._asked and _announced(self._scope) > most:
            raise TooLarge(most)
        self._asked = True
        message = await self._receive()
        self._came += len(message.get("body", b""))
        if self._came > most:
            raise TooLarge(most)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if not self._asked and any(name == b"expect" for name, _ in self._scope["headers"]):
                # The caller asked first whether to send its body, and was not told to.
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            self.over()
        await self._send(message)

    def over(self) -> None:
        """The answer begins, or there will be none."""
        if self.counted:
            self.counted = False
            self._edge.count(self._area, -1)
            REQUESTS.add(1, {"route": self.route, "status": f"{self.status // 100}xx"})
            ANSWERED_WITHIN.record(time.monotonic() - self._began, {"route": self.route})


def _area(path: str) -> str:
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first if first in FREE | APART else "api"


def _announced(scope: Scope) -> int:
    """How long the body is said to be; httptools has let through none but whole numbers."""
    return max((int(value) for name, value in scope["headers"] if name == b"content-length"), default=0)


def _context_of(scope: Scope) -> Context:
    headers: Mapping[bytes, bytes] = {name: value for name, value in scope["headers"] if name in _TRACE_HEADERS}
    return extract((name.decode("latin-1"), value) for name, value in headers.items()) if headers else Context()


def _busy() -> Problem:
    detail = "too many requests wait for their answers; come again"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "busy", detail, headers={"Retry-After": "1"})
