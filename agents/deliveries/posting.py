"""Sending one message to one endpoint: checked when it is sent, at the very address that is connected to."""

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from agents.deliveries.decide import Attempt
from agents.deliveries.destinations import RefusedDestination, Rules
from agents.deliveries.lookup import Lookup, addresses_of

ANSWER_BYTES: Final = 64 * 1024
"""Of an answer's body no more is read; what it says decides nothing."""
_DRAIN_S: Final = 2.0
_HEADERS: Final = {"content-type": "application/json", "user-agent": "Kolaj-Hub", "accept-encoding": "identity"}


class Poster:
    """Sends over HTTPS: certificates are verified, redirects are not followed, no proxy and no cookie is used.

    No connection is kept: each attempt looks its host up anew.

    Args:
        timeout_s: for the whole of an attempt, the look-up included.
        limit: attempts at one time.
        lookup: how hosts are looked up; by default as the system does.
        tls: whom to trust; by default whom the system trusts.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        timeout_s: float,
        limit: int,
        lookup: Lookup | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._rules = rules
        self._timeout_s = timeout_s
        # Threads of their own, two for each attempt: those whose attempt was cut off go on looking up for a while, and
        # hosts that nobody answers for must not keep the others from being looked up.
        self._threads = ThreadPoolExecutor(limit * 2, thread_name_prefix="endpoint-lookup")
        context = ssl.create_default_context() if tls is None else tls
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=limit,
                ssl=context,
                resolver=_CheckedResolver(rules, lookup or self._system_lookup),
                use_dns_cache=False,
                force_close=True,
                family=socket.AF_UNSPEC,
                socket_factory=self._socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
            auto_decompress=False,
        )

    async def aclose(self) -> None:
        await self._session.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """Send it once, and say how that ended. Whatever they do is an answer, and raises nothing."""
        began = time.monotonic()
        status: int | None = None
        retry_after_s: float | None = None
        try:
            self._rules.check(url)
            async with asyncio.timeout(self._timeout_s):
                sending = self._session.post(
                    URL(url), data=body, headers={**_HEADERS, **headers}, allow_redirects=False
                )
                async with sending as answer:
                    status, retry_after_s = answer.status, _seconds(answer.headers.get("Retry-After"))
                    await _drain(answer)
            outcome = _outcome(status)
        except RefusedDestination:
            outcome = "refused_destination"
        except TimeoutError:
            # An answer whose body does not end is an answer all the same.
            outcome = "timeout" if status is None else _outcome(status)
        except aiohttp.ClientConnectorDNSError:
            outcome = "unresolved"
        except (aiohttp.ClientSSLError, ssl.SSLError):
            outcome = "tls"
        except aiohttp.ClientConnectorError:
            outcome = "no_connection"
        except (aiohttp.ClientError, OSError, ValueError):
            outcome = "connection_lost"
        return Attempt(outcome, int((time.monotonic() - began) * 1000), status, retry_after_s)

    def _socket(self, address: Any) -> socket.socket:
        """A socket for an address that is about to be connected to: the last look at it, and the one that counts."""
        family, kind, protocol, _, place = address
        self._rules.check_addresses([place[0]])
        return socket.socket(family, kind, protocol)

    async def _system_lookup(self, host: str, port: int) -> Sequence[str]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, addresses_of, host, port)


class _CheckedResolver(AbstractResolver):
    """Hands on a host's addresses when all of them may be sent to."""

    def __init__(self, rules: Rules, lookup: Lookup) -> None:
        self._rules = rules
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del family
        addresses = await self._lookup(host, port)
        self._rules.check_addresses(addresses)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """It holds nothing open."""


async def _drain(answer: aiohttp.ClientResponse) -> None:
    """Take what they send with their answer, within bounds, so that those who send it see no broken connection."""
    left = ANSWER_BYTES
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(_DRAIN_S):
            while left > 0 and (read := await answer.content.read(left)):
                left -= len(read)


def _outcome(status: int) -> str:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return "delivered"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return "redirect"
    return f"http_{status}"


def _seconds(text: str | None) -> float | None:
    """`Retry-After` in either of its forms; what is neither says nothing."""
    if text is None:
        return None
    if text.isascii() and text.isdecimal():
        return float(text[:10])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
