"""HTTP to a provider: the one place where bytes leave, and the one place that can say whether they did.

A failure before a connection was at hand means that certainly nothing left us. From then on every failure, of whatever
class, leaves the outcome unknown. The line is drawn by watching the connection pool, not by trusting the class of an
exception: aiohttp and its httpx bridge raise the same classes on both sides of it.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from providers.connector import Answer, Request
from providers.diagnosis import Cause, way_fault
from schemas.errors import NotSent, OutcomeUnknown

# httpx logs each address with its query, which may name a person's payment; what is known of a call is recorded by us.
logging.getLogger("httpx").setLevel(logging.WARNING)

log = logging.getLogger(__name__)

CONNECT_S: Final = 5.0
"""Within this a connection stands, TLS included, or the provider is taken to be out of reach."""

_KEEP_ALIVE_S: Final = 4.0
"""Many servers close an idle connection after 5 s (Node's default). A charge that is written into a connection as it is
being closed has an unknown outcome, so ours are given up first."""


class Stage(Enum):
    """How far a call has come."""

    WAITING = "waiting for a pooled connection"
    CONNECTING = "connecting"
    CONNECTED = "connected"


@dataclass(slots=True)
class Flight:
    """The way of one call. It is kept outside so that whoever is cancelled still knows how far the call had come."""

    stage: Stage = Stage.CONNECTING

    @property
    def maybe_sent(self) -> bool:
        return self.stage is Stage.CONNECTED


class _AnswerTooLarge(Exception):
    """The answer passed the limit; what was read of it is thrown away."""


_FLIGHT: ContextVar[Flight | None] = ContextVar("flight", default=None)


class Transport:
    """One pooled client. TLS is verified, redirects are not followed, cookies are not kept, proxies are not used.

    Args:
        pool_size: connections at most.
        ca_file: PEM file of certificates that are trusted besides the usual ones, for a sandbox.
        max_answer_bytes: an answer longer than this is not read to its end.
    """

    def __init__(
        self, *, pool_size: int = 100, ca_file: Path | None = None, max_answer_bytes: int = 2 * 1024 * 1024
    ) -> None:
        self._max_answer_bytes = max_answer_bytes
        self._pool_size = pool_size
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        if ca_file is not None:
            self._tls.load_verify_locations(ca_file)
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(verify=self._tls, client=self._session),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            follow_redirects=False,
            trust_env=False,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def retire(self, *, within_s: float) -> None:
        """Close it once no call is under way, or when that takes longer than `within_s`."""
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        except TimeoutError:
            log.warning("a connection that is given up was still in use", extra={"calls": self._running})
        finally:
            await self.aclose()

    async def exchange(
        self,
        base_url: str,
        request: Request,
        headers: Mapping[str, str],
        *,
        deadline_s: float,
        flight: Flight,
        provider: str,
        operation: str,
    ) -> Answer:
        """Send one request and read its answer, whatever its status; the body is not parsed here.

        Raises:
            NotSent: certainly nothing left us. `reason` is `no_connection` when the provider cannot be reached, `tls`
                when it can and is not trusted, and `pool_exhausted` when all our own connections are in use.
            OutcomeUnknown: the request may have left and no whole answer came; `reason` is `timeout`,
                `answer_too_large` or `connection_lost`.
        """
        token = _FLIGHT.set(flight)
        began = time.monotonic()
        self._running += 1
        self._idle.clear()
        try:
            async with asyncio.timeout(deadline_s):
                return await self._exchange(base_url, request, headers, deadline_s)
        except Exception as error:
            # Whatever a transport raises once a connection stood leaves the outcome unknown, so no class is left out.
            spent_s = time.monotonic() - began
            raise self._judged(error, flight, spent_s, provider, operation) from error
        finally:
            _FLIGHT.reset(token)
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def _exchange(self, base_url: str, request: Request, headers: Mapping[str, str], deadline_s: float) -> Answer:
        async with self._client.stream(
            request.method,
            base_url.rstrip("/") + request.path,
            params=request.query or None,
            content=request.body or None,
            headers={"Accept-Encoding": "identity", "User-Agent": "kolaj-hub", **dict(request.headers), **headers},
            timeout=httpx.Timeout(deadline_s, connect=min(CONNECT_S, deadline_s)),
        ) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._max_answer_bytes:
                    raise _AnswerTooLarge
            return Answer(response.status_code, dict(response.headers), bytes(body), None)

    def _judged(
        self, error: Exception, flight: Flight, spent_s: float, provider: str, operation: str
    ) -> NotSent | OutcomeUnknown:
        kind = type(error).__name__
        match flight.stage:
            case Stage.WAITING:
                message = f"no connection was free within {spent_s:.1f} s; raise the pool size or lower the quota"
                return NotSent(message, provider=provider, operation=operation, reason="pool_exhausted")
            case Stage.CONNECTING:
                fault = way_fault(error)
                message = f"{provider} could not be reached ({kind}: {fault.sentence}); nothing was sent"
                reason = "tls" if fault.cause is Cause.TLS else "no_connection"
                return NotSent(message, provider=provider, operation=operation, reason=reason)
            case Stage.CONNECTED:
                reason = "connection_lost"
                if isinstance(error, _AnswerTooLarge):
                    reason = "answer_too_large"
                elif isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):
                    # Not httpx's own class: its bridge calls a reset connection a timeout too (httpx-aiohttp 0.2.0).
                    reason = "timeout"
                message = f"no whole answer after {spent_s:.1f} s ({kind}); ask for the status"
                return OutcomeUnknown(message, provider=provider, operation=operation, reason=reason)

    def _session(self) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._pool_size, ssl=self._tls, keepalive_timeout=_KEEP_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[_watch()],
        )
        # aiohttp sends GET, PUT and DELETE a second time by itself when a kept connection breaks. A provider's PUT may
        # well move money, and the promise is that nothing is sent again unseen. There is no public switch (3.14).
        session._retry_connection = False  # noqa: SLF001
        return session


def _watch() -> aiohttp.TraceConfig:
    def at(stage: Stage) -> Any:
        async def mark(_session: aiohttp.ClientSession, _context: SimpleNamespace, _event: Any) -> None:
            flight = _FLIGHT.get()
            if flight is not None:
                flight.stage = stage

        return mark

    config = aiohttp.TraceConfig()
    config.on_connection_queued_start.append(at(Stage.WAITING))
    config.on_connection_queued_end.append(at(Stage.CONNECTING))
    config.on_connection_create_start.append(at(Stage.CONNECTING))
    config.on_connection_create_end.append(at(Stage.CONNECTED))
    config.on_connection_reuseconn.append(at(Stage.CONNECTED))
    return config
