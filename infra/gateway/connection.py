"""One connection of the HTTP edge: uvicorn's protocol, with an end to everything that a caller may be slow with.

uvicorn limits neither how long a request takes to come nor how long its headers are. Here both have an end, a caller
that does not read its answer is left, and when there are too many connections those go first that have no request.
"""

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, NoReturn

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from infra.gateway.problems import MEDIA_TYPE, Problem

VERSIONS: Final = ("1.0", "1.1")
HEAD_BYTES: Final = 32 * 1024
"""Of request line and headers together."""
HEADERS: Final = 100
PIPELINED: Final = 8
"""Requests that may wait on one connection behind the one under way."""
LINGER_S: Final = 3.0
"""How long the rest of a body is still taken after its request was refused, so that the caller reads why."""
WRITE_S: Final = 30.0
"""How long a caller may take none of its answer."""


@dataclass(frozen=True, slots=True)
class Patience:
    """What one connection is given.

    Attributes:
        header_s: from the first byte of a request, or the beginning of the connection, to the end of its headers.
        body_s: from there to the end of the body.
        connections: at one time over all.
    """

    header_s: float
    body_s: float
    connections: int


@dataclass(slots=True)
class Crowd:
    """The connections of one server that have no request under way, the oldest first."""

    idle: "dict[GuardedProtocol, None]" = field(default_factory=dict)

    def make_room(self) -> bool:
        """Close the one that has been idle longest; false when all are at work."""
        longest = next(iter(self.idle), None)
        if longest is None:
            return False
        longest.cut()
        return True


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol over httptools, with deadlines and bounds."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        patience: Patience,
        crowd: Crowd,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._patience = patience
        self._crowd = crowd
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._in_head = True
        self._in_body = False
        self._begun = False
        self._head_bytes = 0
        self._refusal = HTTPStatus.BAD_REQUEST

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > self._patience.connections and not self._crowd.make_room():
            transport.abort()
            return
        self._crowd.idle[self] = None
        self._expect(self._patience.header_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.idle.pop(self, None)
        self._forget()
        self._read_again()
        super().connection_lost(exc)

    def cut(self) -> None:
        """End it without a word."""
        self._crowd.idle.pop(self, None)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and not self._in_body and self._answered:
            # Also of blanks before a request, which are allowed and no request yet.
            self._expect(self._patience.header_s)
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            self.send_400_response("")

    def on_message_begin(self) -> None:
        self._in_head = self._begun = True
        if self._deadline is None:
            self._expect(self._patience.header_s)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._forget()
        self._in_head = False
        self._in_body = True
        if self.parser.get_http_version() not in VERSIONS:
            self._refuse(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
        if len(self.headers) > HEADERS or sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if len(self.url) > HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG)
        if len(self.pipeline) >= PIPELINED:
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS)
        super().on_headers_complete()
        self._crowd.idle.pop(self, None)
        if not self._queued:
            self._expect(self._patience.body_s)

    def on_message_complete(self) -> None:
        self._in_body = self._begun = False
        self._in_head = True
        self._head_bytes = 0
        self._forget()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self._in_body and not self._queued:
            # Reading of a queued body was paused until now; what follows an answer is read for its caller's sake alone.
            self._forget()
            self._expect(LINGER_S if self.cycle.response_complete else self._patience.body_s)
        elif self._answered:
            self._crowd.idle[self] = None

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(WRITE_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._read_again()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, or one that is not taken at all, and close."""
        del msg
        self._close_with(self._refusal)

    def _unsupported_upgrade_warning(self) -> None:
        # What follows may be in the other protocol: it is not read as a request.
        if self.cycle is not None:
            self.cycle.keep_alive = False

    @property
    def _answered(self) -> bool:
        return self.cycle is None or (self.cycle.response_complete and not self.pipeline)

    @property
    def _queued(self) -> bool:
        """Whether the request that came last waits behind another one."""
        return bool(self.pipeline) and self.pipeline[0][0] is self.cycle

    def _refuse(self, status: HTTPStatus) -> NoReturn:
        """Leave the parser, which ends in `send_400_response`."""
        self._refusal = status
        raise ValueError(status.phrase)

    def _expect(self, within_s: float) -> None:
        self._deadline = self.loop.call_later(within_s, self._too_late)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _read_again(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _too_late(self) -> None:
        self._deadline = None
        begun = self._begun or self._head_bytes > 0
        told = self.cycle is not None and self.cycle.response_started
        if self.cycle is not None and not self.cycle.response_complete:
            # Whoever waits for the rest of the body is told that nobody sends it.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if begun and not (self._in_body and told):
            self._close_with(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.cut()

    def _close_with(self, status: HTTPStatus) -> None:
        """Write an answer and close; who does not take it is cut off."""
        self._crowd.idle.pop(self, None)
        self._forget()
        if self.transport.is_closing():
            return
        body = bytes(_BARE[status].response().body)
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
        head += f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.close()
        if self._unread is None:
            self._unread = self.loop.call_later(LINGER_S, self.transport.abort)


_BARE: Final = {
    HTTPStatus.BAD_REQUEST: Problem(400, "bad_request", "this is not HTTP/1.1 as it is understood here"),
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: Problem(505, "version_not_supported", "only HTTP/1.1 is spoken here"),
    HTTPStatus.REQUEST_TIMEOUT: Problem(408, "request_timeout", "the request did not come in time"),
    HTTPStatus.REQUEST_URI_TOO_LONG: Problem(414, "uri_too_long", f"at most {HEAD_BYTES} bytes"),
    HTTPStatus.TOO_MANY_REQUESTS: Problem(
        429, "too_many_requests", f"at most {PIPELINED} requests may wait on a connection"
    ),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: Problem(
        431, "headers_too_large", f"at most {HEADERS} headers of {HEAD_BYTES} bytes together"
    ),
}
