"""The transport over real sockets: what left, what did not, and that no slot of the pool is ever lost."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from providers.connector import Answer, Request
from providers.transport import Flight, Transport
from schemas.errors import NotSent, OutcomeUnknown
from tests.conformance.far_side import FarSide, answering, far_side, hanging, resetting

POST = Request("POST", "/payment/auth", b'{"price":"1.0"}')


@asynccontextmanager
async def a_transport(pool_size: int = 100, ca_file: Path | None = None) -> AsyncIterator[Transport]:
    transport = Transport(pool_size=pool_size, ca_file=ca_file)
    try:
        yield transport
    finally:
        await transport.aclose()


async def _call(
    transport: Transport, base_url: str, request: Request = POST, deadline_s: float = 5, flight: Flight | None = None
) -> Answer:
    return await transport.exchange(
        base_url,
        request,
        {"Authorization": "secret"},
        deadline_s=deadline_s,
        flight=flight or Flight(),
        provider="p",
        operation="create",
    )


async def test_thousands_of_cancelled_and_timed_out_calls_leave_the_pool_whole() -> None:
    """Whoever loses a slot with a cancelled call stands still in the end: httpx's own pool did (httpcore#1099)."""
    async with far_side(hanging) as far, a_transport(pool_size=8) as transport:

        async def given_up(number: int) -> None:
            if number % 3 == 0:
                with pytest.raises((OutcomeUnknown, NotSent)):
                    await _call(transport, far.base_url, deadline_s=0.001 * (number % 7))
                return
            call = asyncio.create_task(_call(transport, far.base_url))
            for _ in range(number % 11):
                await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

        for start in range(0, 3000, 100):
            await asyncio.gather(*(given_up(number) for number in range(start, start + 100)))

        together, full = 0, asyncio.Event()

        async def all_at_once(_far: FarSide, _request: web.BaseRequest) -> web.StreamResponse:
            nonlocal together
            together += 1
            if together == 8:
                full.set()
            await full.wait()
            return web.Response(body=b"{}")

        far.behaviour = all_at_once
        answers = await asyncio.gather(*(_call(transport, far.base_url) for _ in range(8)))
        assert [answer.status for answer in answers] == [200] * 8


async def test_waiting_for_a_pooled_connection_is_certainly_not_sent() -> None:
    async with far_side(hanging) as far, a_transport(pool_size=1) as transport:
        first = asyncio.create_task(_call(transport, far.base_url))
        await far.arrived.wait()
        with pytest.raises(NotSent) as refused:
            await _call(transport, far.base_url, deadline_s=0.05)
        assert refused.value.reason == "pool_exhausted"
        assert len(far.received) == 1
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_a_name_that_does_not_resolve_is_certainly_not_sent() -> None:
    async with a_transport() as transport:
        with pytest.raises(NotSent) as refused:
            await _call(transport, "http://no-such-host.invalid")
        assert refused.value.reason == "no_connection"


async def test_a_handshake_that_never_ends_is_certainly_not_sent() -> None:
    """A TLS handshake that is never answered: bytes went out, the request did not."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        async with a_transport() as transport:
            flight = Flight()
            with pytest.raises(NotSent) as refused:
                await _call(transport, f"https://127.0.0.1:{port}", deadline_s=0.1, flight=flight)
            assert refused.value.reason == "no_connection"
            assert not flight.maybe_sent


async def test_a_certificate_is_verified_and_a_sandboxs_authority_can_be_named(tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    trusted, untrusted = tmp_path / "ca.pem", tmp_path / "other.pem"
    authority.cert_pem.write_to_path(str(trusted))
    stranger.cert_pem.write_to_path(str(untrusted))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    runner = web.ServerRunner(web.Server(_always_well), shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        url = f"https://127.0.0.1:{runner.addresses[0][1]}"
        async with a_transport(ca_file=trusted) as transport:
            assert (await _call(transport, url)).status == 200
        for ca_file in (None, untrusted):
            async with a_transport(ca_file=ca_file) as transport:
                with pytest.raises(NotSent) as refused:
                    await _call(transport, url)
                assert refused.value.reason == "tls"
    finally:
        await runner.cleanup()


async def _always_well(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=b"{}")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_broken_kept_connection_is_never_used_for_a_second_send(method: str) -> None:
    """aiohttp repeats GET, PUT and DELETE by itself unless it is told not to."""
    request = Request(method, "/payment/item", b"{}" if method != "GET" else b"")  # type: ignore[arg-type]  # a literal
    async with far_side(answering(200, b"{}")) as far, a_transport() as transport:
        await _call(transport, far.base_url)
        far.behaviour = resetting
        with pytest.raises(OutcomeUnknown) as unknown:
            await _call(transport, far.base_url, request)
        assert unknown.value.reason == "connection_lost"
        assert len(far.received) == 2


async def test_a_redirect_is_not_followed_and_a_cookie_is_not_kept() -> None:
    seen: list[str | None] = []

    async def redirect(_far: FarSide, request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request.headers.get("Cookie"))
        return web.Response(status=302, headers={"Location": "/elsewhere", "Set-Cookie": "session=1"})

    async with far_side(redirect) as far, a_transport() as transport:
        assert [(await _call(transport, far.base_url)).status for _ in range(2)] == [302, 302]
        assert [path for _, path, _ in far.received] == ["/payment/auth"] * 2
    assert seen == [None, None]


async def test_the_bytes_sent_are_the_bytes_given() -> None:
    body = b'{"price": "1.0",  "name":"\xc4\xb0\\u011fne"}\n'
    async with far_side(answering(200, b"{}")) as far, a_transport() as transport:
        await _call(transport, far.base_url, Request("POST", "/payment/auth", body))
        await _call(transport, far.base_url, Request("GET", "/v2/reporting", query=(("a", "1 ı"), ("b", "2&c"))))
    assert far.received == [("POST", "/payment/auth", body), ("GET", "/v2/reporting?a=1+%C4%B1&b=2%26c", b"")]


async def test_header_names_come_in_lower_case_whatever_they_were() -> None:
    shouting = answering(200, b"{}", RETRY_AFTER="7", X_IYZ_SIGNATURE="s")
    async with far_side(shouting) as far, a_transport() as transport:
        headers = (await _call(transport, far.base_url)).headers
    assert (headers["retry-after"], headers["x-iyz-signature"]) == ("7", "s")


async def test_an_answer_over_the_limit_is_not_read_to_its_end() -> None:
    async def endless(_far: FarSide, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        except ConnectionError:
            return response

    async with far_side(endless) as far, a_transport() as transport:
        with pytest.raises(OutcomeUnknown) as unknown:
            await _call(transport, far.base_url)
        assert unknown.value.reason == "answer_too_large"
